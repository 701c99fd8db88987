import { ofArm, type RoundRecord, type RunConfig, roundRecordSchema } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { distance, type FakeParticipant, participate, phase, play, start } from "./app.fixture.ts";
import { lock, resume } from "./resume.fixture.ts";
import { createMemoryDisk } from "./store/memory-disk.fixture.ts";
import { createRunFolder } from "./store/run-folder.ts";

const OWN = { method: "fixed", dropoutRate: 0.5, rounds: 3, minParticipants: 2 } as const;
const OTHER = { method: "fedlora", dropoutRate: 0 } as const;

/** What must be the same whoever else has a turn. */
const seenIn = (records: readonly RoundRecord[]) =>
  records.map(({ method, testLoss, trainLoss, participants }) => ({
    method,
    testLoss,
    trainLoss,
    participants: participants.map(({ id, dropoutRate, bytesDown, bytesUp, update }) => ({
      id,
      dropoutRate,
      bytesDown,
      bytesUp,
      update,
    })),
  }));

async function playRounds(participants: readonly FakeParticipant[], from: number, to: number): Promise<void> {
  for (let round = from; round <= to; round++)
    await Promise.all(participants.map((participant) => play(participant, round)));
}

async function wholeRun(change: Partial<RunConfig>, rounds: number) {
  const { coordinator, url } = await start({ ...OWN, ...change });
  const both = [await participate(url, "ada"), await participate(url, "ben", { sampleCount: 20 })];
  await coordinator.command({ kind: "start" });
  await playRounds(both, 1, rounds);
  await phase(coordinator, "ended", 5000);
  return { coordinator, url };
}

describe("a run that compares two arms", () => {
  it("is both runs, each to the bit what it would be alone, by turns", async () => {
    const own = await wholeRun({}, 3);
    const other = await wholeRun(OTHER, 3);
    const { coordinator, url } = await wholeRun({ compareWith: OTHER }, 6);
    const { records } = coordinator.state;
    expect(records.map(({ turn, basedOnRound }) => [turn?.arm, basedOnRound])).toEqual([
      [0, 0],
      [1, 0],
      [0, 1],
      [1, 2],
      [0, 3],
      [1, 4],
    ]);
    expect(seenIn(ofArm(records, 0))).toEqual(seenIn(own.coordinator.state.records));
    expect(seenIn(ofArm(records, 1))).toEqual(seenIn(other.coordinator.state.records));
    // What it leaves behind is its own arm's.
    expect([...coordinator.adapter]).toEqual([...own.coordinator.adapter]);
    expect([...coordinator.adapter]).not.toEqual([...other.coordinator.adapter]);
    const { finalTestLoss } = coordinator.report();
    expect(finalTestLoss).toBe(distance(coordinator.adapter));
    expect(url).not.toBe(own.url);
  });

  it("has a round again that everybody left, in its own arm, also when it was killed there", async () => {
    const whole = await wholeRun({ compareWith: OTHER }, 6);
    const disk = createMemoryDisk();
    const first = await start(
      { ...OWN, compareWith: OTHER },
      { store: createRunFolder("/run", { disk, lock }) },
    );
    const come = (url: string, tokens: readonly string[] = []) =>
      Promise.all(
        ["ada", "ben"].map((name, k) =>
          participate(url, name, { ...(tokens[k] && { token: tokens[k] }), sampleCount: 10 * (k + 1) }),
        ),
      );
    const both = await come(first.url);
    const tokens = both.map(({ identity }) => identity.token);
    await first.coordinator.command({ kind: "start" });
    await playRounds(both, 1, 1);
    for (const participant of both) {
      await participant.nextStart(2);
      await participant.socket.emitWithAck("leave");
    }
    await expect.poll(() => first.coordinator.state.records.length, { interval: 2 }).toBe(2);
    const again = await come(first.url, tokens);
    await again[0]!.nextStart(3);
    first.abandon();
    const { coordinator, url } = await resume(disk.after("power cut"));
    await playRounds(await come(url, tokens), 3, 7);
    await phase(coordinator, "ended", 30_000);
    const { records } = coordinator.state;
    const tried = records.filter(({ round }) => round !== 2);
    expect(records.map(({ turn }) => [turn?.arm, turn?.number])).toEqual([
      ...[
        [0, 1],
        [1, 1],
        [1, 1],
        [0, 2],
      ],
      ...[
        [1, 2],
        [0, 3],
        [1, 3],
      ],
    ]);
    expect(records[1]?.participants.map(({ outcome }) => outcome)).toEqual(["left", "left"]);
    expect(seenIn(tried)).toEqual(seenIn(whole.coordinator.state.records));
    expect([...coordinator.adapter]).toEqual([...whole.coordinator.adapter]);
    // A report tells whose each round was, however it is read.
    const read = roundRecordSchema.array().parse(JSON.parse(JSON.stringify(coordinator.report().rounds)));
    expect(read.map(({ turn }) => turn)).toEqual(records.map(({ turn }) => turn));
  });

  it("goes on with both arms after it was killed", async () => {
    const whole = await wholeRun({ compareWith: OTHER }, 6);
    const disk = createMemoryDisk();
    const first = await start(
      { ...OWN, compareWith: OTHER },
      { store: createRunFolder("/run", { disk, lock }) },
    );
    const both = [
      await participate(first.url, "ada"),
      await participate(first.url, "ben", { sampleCount: 20 }),
    ];
    await first.coordinator.command({ kind: "start" });
    await playRounds(both, 1, 3);
    await expect.poll(() => first.coordinator.state.records.length, { interval: 2 }).toBe(3);
    const tokens = both.map(({ identity }) => identity.token);
    first.abandon();
    const { coordinator, url } = await resume(disk.after("power cut"));
    const back = [
      await participate(url, "ada", { token: tokens[0]! }),
      await participate(url, "ben", { token: tokens[1]!, sampleCount: 20 }),
    ];
    await playRounds(back, 4, 6);
    await phase(coordinator, "ended", 5000);
    expect(seenIn(coordinator.state.records)).toEqual(seenIn(whole.coordinator.state.records));
    expect([...coordinator.adapter]).toEqual([...whole.coordinator.adapter]);
  });

  it("offers no way back, which would be one arm's alone, and no budget that both would spend", async () => {
    const { coordinator, url } = await start({ ...OWN, compareWith: OTHER, minParticipants: 1 });
    const ada = await participate(url, "ada");
    await coordinator.command({ kind: "start" });
    await play(ada, 1);
    await ada.nextStart(2);
    await coordinator.command({ kind: "pause" });
    await play(ada, 2);
    await phase(coordinator, "paused");
    expect(await coordinator.command({ kind: "rollback", round: 2 })).toMatchObject({
      kind: "refused",
      reason: "wrong-state",
    });
    const differentialPrivacy = { epsilon: 8, delta: 1e-5, clip: 1 };
    await expect(start({ ...OWN, compareWith: OTHER, differentialPrivacy })).rejects.toThrow(/compareWith/);
  });
});
