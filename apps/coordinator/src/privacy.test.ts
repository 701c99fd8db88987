import { describe, expect, it } from "vitest";
import { participate, phase, play, start } from "./app.fixture.ts";
import { createMemoryDisk } from "./store/memory-disk.fixture.ts";
import { createRunFolder } from "./store/run-folder.ts";

const lock = async () => ({ release: async () => {} });
const differentialPrivacy = { epsilon: 8, delta: 1e-5, clip: 0.5 };

describe("a run with differential privacy", () => {
  it("spends its budget over its rounds, tells what is spent, and goes no further", async () => {
    const { coordinator, url } = await start({ rounds: 3, minParticipants: 2, differentialPrivacy });
    const ada = await participate(url, "ada", { sampleCount: 20 });
    const ben = await participate(url, "ben");
    await coordinator.command({ kind: "start" });
    for (const round of [1, 2, 3, 4, 5]) {
      await ada.nextStart(round);
      // More rounds share what is left, and once all is spent no more can be had: the promise stays.
      const rounds = { 2: 5, 5: 9 }[round];
      if (rounds !== undefined) await coordinator.command({ kind: "change", change: { rounds } });
      await Promise.all([play(ada, round), play(ben, round)]);
    }
    await phase(coordinator, "ended");
    const spent = coordinator.report().rounds.map(({ privacy }) => privacy?.epsilon ?? 0);
    expect(spent).toHaveLength(5);
    expect([...spent].sort((a, b) => a - b)).toEqual(spent);
    expect(spent[4]).toBeLessThanOrEqual(8);
    expect(spent[4]).toBeGreaterThan(7.99);
    const noise = coordinator.report().rounds.map(({ privacy }) => privacy?.noiseMultiplier ?? 0);
    expect(noise[0]).toBeCloseTo(noise[1]!, 9);
    expect(noise[2]).toBeGreaterThan(noise[1]!);
    // Ada has twice the samples and counts the same.
    const [first] = coordinator.report().rounds;
    expect(first?.participants.map(({ update }) => update?.contribution)).toEqual([0.5, 0.5]);
    expect(first?.participants[0]?.update?.factor).toBeLessThan(1);
  });

  it("gives nothing away in a round that changes nothing", async () => {
    const { coordinator, url, advance } = await start({ rounds: 2, differentialPrivacy, deadlineSeconds: 5 });
    const ada = await participate(url, "ada");
    await coordinator.command({ kind: "start" });
    await ada.nextStart(1);
    advance(6);
    await ada.closed(1);
    expect(coordinator.report().rounds[0]?.privacy).toEqual({ noiseMultiplier: null, spent: 0, epsilon: 0 });
  });

  it("draws noise once: a run that is killed comes back to the adapter that was told of", async () => {
    const disk = createMemoryDisk();
    const store = createRunFolder("/run", { disk, lock });
    const first = await start({ rounds: 3, minParticipants: 2, differentialPrivacy }, { store });
    const ada = await participate(first.url, "ada");
    const ben = await participate(first.url, "ben");
    await first.coordinator.command({ kind: "start" });
    await Promise.all([play(ada, 1), play(ben, 1)]);
    await Promise.all([ada.nextStart(2), ben.nextStart(2)]);
    await play(ada, 2);
    const told = [...first.coordinator.adapter];
    const { records } = first.coordinator.state;
    const left = disk.after("kill");
    first.abandon();

    // From the checkpoint before: the round is told again from the log, where its noise would be drawn anew.
    const checkpoints = [...left.files.keys()].filter((path) => /checkpoint-\d+\.json$/.test(path)).sort();
    expect(checkpoints.length).toBeGreaterThan(1);
    left.files.delete(checkpoints.at(-1)!);
    const again = createRunFolder("/run", { disk: left, lock });
    const stored = await again.load();
    expect(stored.checkpoint.snapshot.roundsDone).toBe(0);
    const { coordinator } = await start({}, { store: again, stored });
    expect([...coordinator.adapter]).toEqual(told);
    expect(coordinator.state.records[0]?.privacy).toEqual(records[0]?.privacy);
  });

  it("cannot be given a rule that looks at single updates", async () => {
    const { coordinator } = await start({ differentialPrivacy });
    const reply = await coordinator.command({ kind: "change", change: { aggregation: "median" } });
    expect(reply).toMatchObject({
      kind: "refused",
      message: expect.stringContaining("expected mean with differential privacy"),
    });
    await expect(start({ differentialPrivacy, aggregation: "clipped-mean" })).rejects.toThrow(
      "expected mean",
    );
  });
});
