import { epsilonOf } from "@fedlodrop/privacy";
import { createRandom } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { run as plainRun } from "./coordinator.fixture.ts";
import { openExampleBudget } from "./example-budget.ts";

const examplePrivacy = { epsilon: 4, delta: 1e-5, clip: 0.5 };
const run = { ...plainRun, config: { ...plainRun.config, rounds: 3, examplePrivacy } };
const { localSteps, batchSize } = run.config.training;

describe("a device's account of its texts", () => {
  it("adds the noise with which all steps of the run stay within what it promises", () => {
    const random = createRandom("budget");
    const budget = openExampleBudget((length) => Uint8Array.from({ length }, () => random.below(256)));
    const privacy = budget(run, 40, localSteps)!;
    const sum = new Float64Array(20_000);
    privacy.addNoise(sum);
    const deviation = Math.sqrt(sum.reduce((total, value) => total + value * value, 0) / sum.length);
    const noiseMultiplier = deviation / examplePrivacy.clip;
    const spent = epsilonOf({ noiseMultiplier, samplingRate: batchSize / 40 }, 3 * localSteps, 1e-5);
    expect(spent / 4).toBeCloseTo(1, 1);
    expect(privacy.clip).toBe(0.5);
    const uniforms = Array.from({ length: 1000 }, privacy.uniform);
    expect(uniforms.every((value) => value > 0 && value <= 1)).toBe(true);
  });

  it("is closed when the run's steps have been taken, whatever the host asks for", () => {
    const budget = openExampleBudget();
    for (let round = 0; round < 3; round++) expect(budget(run, 40, localSteps)).not.toBeNull();
    const longer = { ...run, config: { ...run.config, rounds: 99 } };
    expect(() => budget(longer, 40, localSteps)).toThrow("has given away the ε of 4");
  });

  it("asks for nothing where nothing is promised", () => {
    expect(openExampleBudget()(plainRun, 40, localSteps)).toBeNull();
  });
});
