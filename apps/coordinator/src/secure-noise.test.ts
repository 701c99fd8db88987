import { adapterSize, subAdapter } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { phase, shape } from "./app.fixture.ts";
import { changesOf } from "./secure-participant.fixture.ts";
import { playRun } from "./secure-run.fixture.ts";

const size = adapterSize(shape);

describe("differential privacy under secure aggregation", () => {
  it("gets its noise from the devices, all of it, and stops when the budget is used", async () => {
    const differentialPrivacy = { epsilon: 8, delta: 1e-5, clip: 0.5 };
    const { coordinator, before, devices } = await playRun([{}, { sampleCount: 20 }, {}], {
      rounds: 2,
      differentialPrivacy,
      method: "fixed",
      dropoutRate: 0.2,
    });
    const adapters = [before];
    await expect
      .poll(() => adapters.push(coordinator.adapter) && coordinator.state.kind, {
        interval: 1,
        timeout: 60_000,
      })
      .toBe("ended");
    const { rounds } = coordinator.report();
    expect(rounds.map(({ secureAggregation }) => secureAggregation?.problem)).toEqual([null, null]);
    const [first, second] = rounds.map(({ privacy }) => privacy!);
    expect(second!.epsilon).toBeLessThanOrEqual(8);
    expect(second!.epsilon).toBeGreaterThan(7.99);
    expect(devices.map(({ starts }) => starts.get(1)?.secure?.weight)).toEqual([1, 1, 1]);

    // What the first round changed beyond the mean of the changes, as a sum and in units of the noise that was promised.
    const after = adapters.find((adapter) => adapter !== before)!;
    const sums = new Float64Array(size);
    const counts = new Uint32Array(size);
    for (const { id, starts } of devices) {
      const { dropoutRate } = starts.get(1)!;
      const { indices } = subAdapter(shape, { seed: "0", round: 1, participantId: id, dropoutRate });
      const changes = changesOf(id, 1, indices.length);
      indices.forEach((index, k) => {
        sums[index] = sums[index]! + changes[k]!;
        counts[index] = counts[index]! + 1;
      });
    }
    const deviation = first!.noiseMultiplier! * differentialPrivacy.clip;
    const noise = [...after].flatMap((value, i) =>
      counts[i]! < 2 ? [] : [((value - before[i]!) * counts[i]! - sums[i]!) / deviation],
    );
    const variance = noise.reduce((sum, draw) => sum + draw * draw, 0) / noise.length;
    // 1 where two keep a value; where three do, two are sure to last, and the third adds half as much again.
    expect(noise.length).toBeGreaterThan(50);
    expect(variance).toBeGreaterThan(0.7);
    expect(variance).toBeLessThan(2.1);
    for (const [i, value] of after.entries()) if (counts[i]! < 2) expect(value).toBe(before[i]);
  }, 120_000);

  it.each([
    ["shares", false],
    ["signature", true],
  ] as const)(
    "counts a round that comes to nothing at step %s as devices do, who alone know what they have sent: %s",
    async (step, isSpent) => {
      const differentialPrivacy = { epsilon: 8, delta: 1e-5, clip: 0.5 };
      const vanishes = { round: 1, step };
      const { coordinator, devices } = await playRun([{ vanishes }, { vanishes }, {}, {}], {
        ...{ rounds: 2, minParticipants: 2, differentialPrivacy },
        ...{ method: "fixed", dropoutRate: 0.2 },
      });
      await phase(coordinator, "ended", 60_000);
      const { rounds } = coordinator.report();
      expect(rounds.map(({ secureAggregation }) => secureAggregation?.problem === null)).toEqual([
        ...[false, true, true],
      ]);
      expect(rounds[0]!.secureAggregation!.sent).toBe(isSpent);
      const [first, second, third] = rounds.map(({ privacy }) => privacy!);
      expect(first!.noiseMultiplier !== null).toBe(isSpent);
      // A half is gone, and the two rounds share the other.
      const noise = isSpent ? first!.noiseMultiplier! * Math.SQRT2 : second!.noiseMultiplier!;
      expect(second!.noiseMultiplier! / noise).toBeCloseTo(1, 9);
      expect(third!.epsilon).toBeLessThanOrEqual(8);
      expect(third!.epsilon).toBeGreaterThan(7.99);
      // No device refused a round for its own account.
      for (const { failures } of devices.slice(2))
        expect([...failures.values()].join()).not.toContain("promises");
    },
    120_000,
  );
});
