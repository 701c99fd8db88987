import { initialAdapter } from "@fedlodrop/run";
import { expect, it } from "vitest";
import { distance, participate, phase, play, shape, start, workload } from "../app.fixture.ts";
import type { EvaluatedParts, Workload } from "./workload.ts";

it("evaluates training texts only of those whose updates are in the adapter", async () => {
  const asked: EvaluatedParts[] = [];
  const whole: unknown[] = [];
  const watched = async (): Promise<Workload> => {
    const plain = await workload();
    return {
      ...plain,
      evaluate(own, parts, alone) {
        asked.push(parts);
        whole.push(alone);
        return plain.evaluate!(own, parts);
      },
    };
  };
  const { coordinator, url, advance } = await start({ rounds: 2 }, { loadWorkload: watched });
  const [ada, ben, cleo] = [
    await participate(url, "ada"),
    await participate(url, "ben"),
    await participate(url, "cleo"),
  ];
  await coordinator.command({ kind: "start" });
  await play(cleo, 1);
  await play(ada, 1);
  advance(31); // Ben misses the deadline.
  await play(ada, 2);
  await play(ben, 2);
  advance(31);
  await phase(coordinator, "ended");
  expect(asked.map(({ trained }) => trained)).toEqual([[], [0, 2], [0, 1, 2]]);
  // The base model's too, which is evaluated when it is known who starts.
  for (const { measured } of asked) expect(measured).toEqual([0, 1, 2]);
  // Nobody trains beside the last one.
  expect(whole).toEqual([false, false, true]);
});

it("trains the next round while the last one is evaluated, and adds the loss when it is there", async () => {
  const gates: (() => void)[] = [];
  const slow = async (): Promise<Workload> => {
    const plain = await workload();
    return {
      ...plain,
      async evaluate(own, parts) {
        await new Promise<void>((resolve) => gates.push(resolve));
        return plain.evaluate!(own, parts);
      },
    };
  };
  const { coordinator, url } = await start({ rounds: 3 }, { loadWorkload: slow });
  const ada = await participate(url, "ada");
  await coordinator.command({ kind: "start" });
  await play(ada, 1);
  // The base model's evaluation is the one that a second round waits for.
  await phase(coordinator, "evaluating");
  gates[0]!();
  await play(ada, 2);
  await ada.closed(2);
  expect(coordinator.report().rounds.map(({ testLoss }) => testLoss)).toEqual([null, null]);
  await phase(coordinator, "evaluating");
  await expect.poll(() => gates.length).toBe(2);
  const afterTwo = distance(coordinator.adapter);
  gates[1]!();
  await ada.nextStart(3);
  await expect.poll(() => ada.inbox["round-evaluated"]).toMatchObject([{ round: 0 }, { round: 1 }]);
  await expect.poll(() => gates.length).toBe(3);
  gates[2]!();
  await expect
    .poll(() => ada.inbox["round-evaluated"].at(-1))
    .toMatchObject({ round: 2, testLoss: afterTwo });
  await play(ada, 3);
  await expect.poll(() => gates.length).toBe(4);
  expect(coordinator.state.kind).toBe("evaluating");
  // Devices need not wait for the last one, those that come now neither.
  const over = [{ reason: "finished", roundsDone: 3, roundsMade: 3 }];
  await expect.poll(() => ada.inbox["run-ended"]).toEqual(over);
  const ben = await participate(url, "ben");
  await expect.poll(() => ben.inbox["run-ended"]).toEqual(over);
  gates[3]!();
  await expect.poll(() => ada.inbox["round-evaluated"].at(-1)).toMatchObject({ round: 3 });
  await phase(coordinator, "ended");
  const report = coordinator.report();
  expect(report.rounds[1]!.testLoss).toBe(afterTwo);
  expect(report.finalTestLoss).toBe(distance(coordinator.adapter));
  expect(ada.inbox["run-ended"]).toEqual(over);
});

it("evaluates the base model while devices load where it is known who comes, and again when others came", async () => {
  const asked: EvaluatedParts[] = [];
  const watched = async (): Promise<Workload> => {
    const plain = await workload();
    return {
      ...plain,
      evaluate(own, parts) {
        asked.push(parts);
        return plain.evaluate!(own, parts);
      },
    };
  };
  const playWith = async (names: readonly string[]) => {
    const { coordinator, url } = await start({ rounds: 1 }, { loadWorkload: watched, expects: 2 });
    await expect.poll(() => asked.length).toBe(1);
    const all = [];
    for (const name of names) all.push(await participate(url, name));
    expect(coordinator.state.baseTestLoss).toBeNull();
    await coordinator.command({ kind: "start" });
    await Promise.all(all.map((one) => play(one, 1)));
    await phase(coordinator, "ended");
    expect(coordinator.report().baseTestLoss).toBe(
      distance(initialAdapter(shape, coordinator.state.config.seed)),
    );
    return asked.splice(0).map(({ measured }) => measured);
  };
  expect(await playWith(["ada", "ben"])).toEqual([
    [0, 1],
    [0, 1],
  ]);
  expect(await playWith(["ada", "ben", "cleo"])).toEqual([
    [0, 1],
    [0, 1, 2],
    [0, 1, 2],
  ]);
});

it("goes on without an evaluation that hangs", async () => {
  const lines: string[] = [];
  const hanging = async (): Promise<Workload> => ({
    ...(await workload()),
    evaluate: () => new Promise(() => {}),
  });
  const { coordinator, url, advance } = await start(
    { rounds: 2 },
    { loadWorkload: hanging, log: (line) => lines.push(line) },
  );
  const ada = await participate(url, "ada");
  await coordinator.command({ kind: "start" });
  await play(ada, 1);
  await phase(coordinator, "evaluating");
  advance(179);
  expect(coordinator.state.kind).toBe("evaluating");
  advance(1);
  await ada.nextStart(2);
  expect(lines[0]).toBe("the base model cannot be evaluated: it has taken longer than 180 s");
  await expect
    .poll(() => ada.inbox["round-evaluated"][0])
    .toEqual({ round: 0, testLoss: null, baseTestLoss: null, isOwn: true });
  // Nobody waits again behind it.
  await play(ada, 2);
  await phase(coordinator, "ended");
  expect(coordinator.report().rounds.map(({ testLoss }) => testLoss)).toEqual([null, null]);
  expect(lines.slice(1)).toEqual([
    "round 1 is not evaluated: an evaluation before it goes on still",
    "round 2 is not evaluated: an evaluation before it goes on still",
  ]);
});
