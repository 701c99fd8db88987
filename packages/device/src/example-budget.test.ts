import { epsilonOf, leastEpsilon, renyiDivergence } from "@fedlodrop/privacy";
import { createRandom } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { openAccounts } from "./accounts.ts";
import { run as plainRun } from "./coordinator.fixture.ts";
import { openExampleBudget, type RoundOfTexts } from "./example-budget.ts";

const examplePrivacy = { epsilon: 4, delta: 1e-5, clip: 0.5 };
const run = { ...plainRun, config: { ...plainRun.config, rounds: 3, examplePrivacy } };
const secretRun = { ...run, config: { ...run.config, secureAggregation: true } };
const { training } = run.config;
const { localSteps: steps, batchSize } = training;
const EXAMPLES = 40;
const samplingRate = batchSize / EXAMPLES;

function open(accounts = openAccounts()) {
  const random = createRandom("budget");
  const budget = openExampleBudget(accounts, (length) =>
    Uint8Array.from({ length }, () => random.below(256)),
  );
  /** The noise that a round is trained with, as it comes out of it. */
  const noiseOf = (round: RoundOfTexts, own = run, examples = EXAMPLES) => {
    const privacy = budget(own, examples, round)!;
    const sum = new Float64Array(20_000);
    privacy.addNoise(sum);
    const squares = sum.reduce((total, value) => total + (privacy.grain * value) ** 2, 0);
    const deviation = Math.sqrt(squares / sum.length);
    return { noiseMultiplier: deviation / examplePrivacy.clip, charge: privacy.charge };
  };
  return { budget, noiseOf };
}

describe("a device's account of its texts", () => {
  it("adds the noise with which all steps of the run stay within what it promises", () => {
    const { budget, noiseOf } = open();
    const { noiseMultiplier } = noiseOf({ training, roundsLeft: 3 });
    const spent = epsilonOf({ noiseMultiplier, samplingRate }, 3 * steps, 1e-5);
    expect(spent / 4).toBeCloseTo(1, 1);
    const privacy = budget(run, EXAMPLES, { training, roundsLeft: 3 })!;
    expect(privacy.clip).toBe(0.5);
    const uniforms = Array.from({ length: 1000 }, privacy.uniform);
    expect(uniforms.every((value) => value > 0 && value <= 1)).toBe(true);
  });

  it("is closed when the run's rounds have been told, whatever the host asks for and promises then", async () => {
    const { budget, noiseOf } = open();
    const noises: number[] = [];
    const told: number[] = [];
    for (const roundsLeft of [3, 2, 1]) {
      const { noiseMultiplier, charge } = noiseOf({ training, roundsLeft });
      noises.push(noiseMultiplier);
      told.push(await charge());
    }
    expect(told).toEqual([...told].sort((a, b) => a - b));
    expect(told[2]).toBeCloseTo(4, 6);
    // Evenly, as far as 20,000 draws tell.
    for (const noise of noises) expect(noise / noises[0]!).toBeCloseTo(1, 1);
    const generous = { ...examplePrivacy, epsilon: 1000 };
    const longer = { ...run, config: { ...run.config, rounds: 99, examplePrivacy: generous } };
    expect(() => budget(longer, EXAMPLES, { training, roundsLeft: 96 })).toThrow("has given away the ε of 4");
    const silent = { ...run, config: { ...run.config, examplePrivacy: null } };
    expect(() => budget(silent, EXAMPLES, { training, roundsLeft: 1 })).toThrow("has given away the ε of 4");
  });

  it("counts what leaves the device, not what is trained and thrown away", async () => {
    const { budget } = open();
    for (let tries = 0; tries < 50; tries++)
      expect(budget(run, EXAMPLES, { training, roundsLeft: 1 })).not.toBeNull();
    await budget(run, EXAMPLES, { training, roundsLeft: 1 })!.charge();
    expect(() => budget(run, EXAMPLES, { training, roundsLeft: 1 })).toThrow("trains no more");
  });

  it("lasts for the rounds that secure aggregation has to try again, at more noise", async () => {
    const { noiseOf } = open();
    const noises: number[] = [];
    for (const roundsLeft of [3, 2, 2, 1, 1, 1]) {
      const { noiseMultiplier, charge } = noiseOf({ training, roundsLeft }, secretRun);
      noises.push(noiseMultiplier);
      await charge();
    }
    expect(noises[5]!).toBeGreaterThan(1.2 * noises[0]!);
    expect(Number.isFinite(noises[5]!)).toBe(true);
    // Added up order by order, as dp-accounting does it (proposition 12 of Canonne, Kamath, Steinke 2020).
    const epsilons = Array.from({ length: 60 }, (_, k) => k + 2).map((order) => {
      const divergences = noises.map((noiseMultiplier) =>
        renyiDivergence({ noiseMultiplier, samplingRate }, order),
      );
      const all = steps * divergences.reduce((sum, divergence) => sum + divergence, 0);
      return all + Math.log1p(-1 / order) - (Math.log(1e-5) + Math.log(order)) / (order - 1);
    });
    // One share in four, and then a half of what is left, is kept back: not all of ε is used, and not more.
    expect(Math.min(...epsilons)).toBeLessThan(4);
    expect(Math.min(...epsilons)).toBeGreaterThan(3);
  });

  it("goes on from what is left when the device has other texts", async () => {
    const { noiseOf } = open();
    const first = noiseOf({ training, roundsLeft: 2 });
    await first.charge();
    // Each text is drawn more often among fewer, and more noise is needed for the same.
    const second = noiseOf({ training, roundsLeft: 1 }, run, EXAMPLES / 2);
    expect(second.noiseMultiplier).toBeGreaterThan(first.noiseMultiplier);
  });

  it("reckons with the batches that the round draws, not with those that the run's settings tell", async () => {
    const { noiseOf } = open();
    const larger = { ...training, batchSize: EXAMPLES };
    const { noiseMultiplier, charge } = noiseOf({ training: larger, roundsLeft: 3 });
    // Everybody is drawn in each step.
    expect(epsilonOf({ noiseMultiplier, samplingRate: 1 }, 3 * steps, 1e-5) / 4).toBeCloseTo(1, 1);
    expect(await charge()).toBeLessThan(4);
  });

  it("asks for nothing where nothing is promised, and says what no noise can keep", () => {
    const { budget } = open();
    expect(budget(plainRun, EXAMPLES, { training, roundsLeft: 1 })).toBeNull();
    const epsilon = leastEpsilon(1e-5) / 2;
    const strict = {
      ...run,
      config: { ...run.config, examplePrivacy: { ...examplePrivacy, epsilon } },
    };
    expect(() => open().budget(strict, EXAMPLES, { training, roundsLeft: 1 })).toThrow(
      "epsilon: expected a number above 0.0035 at δ = 0.00001",
    );
  });
});
