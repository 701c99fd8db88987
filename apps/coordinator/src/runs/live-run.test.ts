import { payloadBytes } from "@fedlodrop/protocol";
import { drawDropoutMask, initialAdapter, keptIndices, type RunConfig } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import {
  config,
  connectHost,
  distance,
  type FakeParticipant,
  participate,
  phase,
  play,
  shape,
  size,
  start,
  target,
} from "../app.fixture.ts";

describe("a run", () => {
  async function run(
    order: (participants: FakeParticipant[]) => FakeParticipant[],
    change: Partial<RunConfig> = {},
  ) {
    const { coordinator, url } = await start({ dropoutRate: 0.4, ...change });
    const participants: FakeParticipant[] = [];
    for (const [i, name] of ["ada", "ben", "cleo"].entries())
      participants.push(await participate(url, name, { sampleCount: 10 + 7 * i }));
    expect(await coordinator.command({ kind: "start" })).toEqual({ kind: "done" });
    for (let round = 1; round <= 3; round++) for (const each of order(participants)) await play(each, round);
    await phase(coordinator, "ended");
    await expect
      .poll(() => participants[0]!.inbox["run-ended"])
      .toEqual([{ reason: "finished", roundsDone: 3, roundsMade: 3 }]);
    return { report: coordinator.report(), participants, adapter: coordinator.adapter };
  }

  it("aggregates what was kept, and the loss falls", async () => {
    const { report, participants, adapter } = await run((all) => all);
    expect(report.rounds.map(({ round }) => round)).toEqual([1, 2, 3]);
    const losses = [report.baseTestLoss!, ...report.rounds.map(({ testLoss }) => testLoss!)];
    expect(losses.every((loss, i) => i === 0 || loss < losses[i - 1]! * 0.8)).toBe(true);
    expect(report.finalTestLoss).toBe(losses[3]);

    // An independent dense float64 reference of all three rounds.
    let full = Float64Array.from(initialAdapter(shape, config.seed));
    for (let round = 1; round <= 3; round++) {
      const sums = new Float64Array(size);
      const weights = new Float64Array(size);
      participants.forEach(({ identity }, k) => {
        const key = { seed: config.seed, round, participantId: identity.participantId, dropoutRate: 0.4 };
        for (const index of keptIndices(shape, drawDropoutMask(shape, key))) {
          sums[index]! += (10 + 7 * k) * 0.5 * (target[index]! - full[index]!);
          weights[index]! += 10 + 7 * k;
        }
      });
      full = full.map((value, i) => (weights[i]! > 0 ? value + sums[i]! / weights[i]! : value));
    }
    // Values and changes are rounded to f32 three times.
    expect(Math.max(...adapter.map((value, i) => Math.abs(value - full[i]!)))).toBeLessThan(1e-6);

    const { keptValues, bytesDown, bytesUp } = report.rounds[0]!.participants[0]!;
    expect(keptValues).toBe(2 * (8 + 5 + 4 + 6)); // ⌈0.6·n⌉ of 12, 8, 6 and 10
    expect([bytesDown, bytesUp]).toEqual([payloadBytes(keptValues, "f32"), payloadBytes(keptValues, "f32")]);
    const closed = await participants[2]!.closed(1);
    expect(closed).toMatchObject({
      outcome: "aggregated",
      contribution: 24 / 51,
      aggregatedCount: 3,
      cohortSize: 3,
    });
  });

  it("goes back to the model before a round at the host's word", async () => {
    const { coordinator, url } = await start({ rounds: 9 });
    const ada = await participate(url, "ada");
    const adapters = [coordinator.adapter];
    await coordinator.command({ kind: "start" });
    const closedRounds = () => coordinator.state.records.length;
    for (let round = 1; round <= 5; round++) {
      if (round === 5) await coordinator.command({ kind: "pause" });
      await play(ada, round);
      await expect.poll(closedRounds, { interval: 2 }).toBe(round);
      adapters.push(coordinator.adapter);
    }
    await phase(coordinator, "paused");
    const back = (round: number) => coordinator.command({ kind: "rollback", round });
    expect(await back(2)).toMatchObject({
      reason: "wrong-state",
      message: "rollback: the model before round 2 is not kept any more",
    });
    expect(await back(4)).toEqual({ kind: "done" });
    expect(coordinator.adapter).toEqual(adapters[3]);
    expect(await back(5)).toMatchObject({ reason: "wrong-state" });
    await coordinator.command({ kind: "resume" });
    await play(ada, 6);
    await expect.poll(closedRounds, { interval: 2 }).toBe(6);
    expect(coordinator.state.records.map(({ basedOnRound }) => basedOnRound)).toEqual([0, 1, 2, 3, 4, 3]);
    expect(distance(coordinator.adapter)).toBeLessThan(distance(adapters[3]!));
    expect(coordinator.adapter).not.toEqual(adapters[5]);
  });

  it("takes half the bytes per value in f16, to nearly the same end", async () => {
    const half = await run((all) => all, { valueType: "f16" });
    const full = await run((all) => all);
    const { keptValues, bytesUp } = half.report.rounds[0]!.participants[0]!;
    expect(bytesUp).toBe(16 + 2 * keptValues);
    // Values and changes up to 1.2 keep 11 bits.
    const difference = half.adapter.map((value, i) => Math.abs(value - full.adapter[i]!));
    expect(Math.max(...difference)).toBeLessThan(2e-3);
  });

  it("gives the same adapter whatever the order of arrival", async () => {
    const first = await run((all) => all);
    const second = await run((all) => [...all].reverse());
    expect(second.report.adapterSha256).toBe(first.report.adapterSha256);
  });
});

it("keeps the adapter of before when too few contributed", async () => {
  const { coordinator, url } = await start({ rounds: 2, minContributors: 2 });
  const [ada, ben] = [await participate(url, "ada"), await participate(url, "ben")];
  const initial = coordinator.adapter.slice();
  await coordinator.command({ kind: "start" });
  expect((await ada.nextStart(1)).cohortSize).toBe(2);
  await ben.nextStart(1);
  ben.socket.emit("leave", () => {});
  await play(ada, 1);
  expect(await ada.closed(1)).toMatchObject({ outcome: "discarded", contribution: 0, aggregatedCount: 0 });
  expect(coordinator.adapter).toEqual(initial);
  await phase(coordinator, "lobby");
  const again = await participate(url, "ben", { token: ben.identity.token });
  await Promise.all([play(ada, 2), play(again, 2)]);
  expect(await ada.closed(2)).toMatchObject({ outcome: "aggregated", aggregatedCount: 2 });
  expect(coordinator.adapter).not.toEqual(initial);
});

describe("a straggler", () => {
  it("sets the pace of two rounds, rests, and is let back in by a probe", async () => {
    const { coordinator, url, advance } = await start({ rounds: 7, deadlineSeconds: 30 });
    const [ada, ben, dora] = [
      await participate(url, "ada"),
      await participate(url, "ben"),
      await participate(url, "dora"),
    ];
    await coordinator.command({ kind: "start" });
    for (let round = 1; round <= 7; round++) {
      await play(ada, round);
      advance(2);
      await play(ben, round);
      // The device that never downloads: until the deadline, then not at all, then as long as the others took.
      const { state } = coordinator;
      const waits = state.kind === "training" && state.round === round;
      expect(waits, `round ${round}`).toBe([1, 2, 6, 7].includes(round));
      if (round <= 2) advance(28);
      if (round === 6 || round === 7) await play(dora, round);
      await ada.closed(round);
    }
    await phase(coordinator, "ended");
    const { rounds } = coordinator.report();
    expect(rounds.map(({ seconds }) => seconds)).toEqual([30, 30, 2, 2, 2, 2, 2]);
    const outcome = rounds.map((each) => each.participants.find(({ id }) => id === "p3")?.outcome ?? "rests");
    expect(outcome).toEqual([
      ...["missed-deadline", "missed-deadline", "rests", "rests", "rests", "aggregated", "aggregated"],
    ]);
    expect(rounds[2]!.allocation!.devices.find(({ id }) => id === "p3")?.excludedBecause).toMatch(
      /tried again/,
    );
  });

  it("is waited for as its plan foresees once the quorum has answered, and not until the deadline", async () => {
    const { coordinator, url, advance } = await start({ rounds: 1, quorum: 0.75 });
    const all = [];
    for (const name of ["ada", "ben", "cleo", "dora"]) all.push(await participate(url, name));
    await coordinator.command({ kind: "start" });
    for (const each of all.slice(0, 3)) await play(each, 1);
    const { state } = coordinator;
    if (state.kind !== "training") throw new Error(`expected an open round, got ${state.kind}`);
    const patience = (state.endsAtMs - state.startedAtMs) / 1000;
    expect(patience).toBe(state.members.get("p4")?.assignment.patienceSeconds);
    expect(patience).toBeLessThan(state.deadlineSeconds / 2);
    advance(patience);
    await phase(coordinator, "ended");
    expect(coordinator.report().rounds[0]!.seconds).toBe(patience);
  });
});

it("shows the host why a run that everybody leaves has been paused", async () => {
  const { coordinator, url, advance } = await start({ rounds: 9 });
  const { socket: host, views } = await connectHost(url, "key");
  let ada = await participate(url, "ada");
  await coordinator.command({ kind: "start" });
  for (let round = 1; round <= 3; round++) {
    await ada.update(await ada.nextStart(round));
    // As a device does that cannot do what it is asked: it joins anew, without the round.
    ada.socket.disconnect();
    ada = await participate(url, "ada", { token: ada.identity.token });
  }
  await phase(coordinator, "paused");
  await expect
    .poll(() => {
      advance(0.5);
      return views.at(-1)?.notice;
    })
    .toMatch(/^everybody left rounds 1 to 3/);
  expect(await host.emitWithAck("command", { kind: "resume" })).toEqual({ kind: "done" });
  await ada.nextStart(4);
});
