/** Seeded problems on a measured link, of the order that browser tabs on one network show. */

import { createRandom } from "@fedlodrop/run";
import type { ObjectiveMode } from "./bound.ts";
import type { AllocationProblem } from "./problem.ts";

export function randomMeasuredProblem(options: {
  readonly seed: number;
  readonly devices: number;
  readonly slots: number | null;
  readonly mode?: ObjectiveMode;
  /** 1: every device could send about 4 Mbit within the deadline; less is a scarcer link. */
  readonly load?: number;
}): AllocationProblem {
  const random = createRandom(options.seed);
  const between = (low: number, high: number): number => low + (high - low) * random.uniform();
  const examples = Array.from({ length: options.devices }, () => Math.ceil(between(20, 400)));
  const exampleCount = examples.reduce((sum, each) => sum + each, 0);
  return {
    id: `measured-K${options.devices}-s${options.seed}`,
    deadlineSeconds: 10,
    minDropoutRate: 0,
    maxDropoutRate: 0.9,
    objective: {
      mode: options.mode ?? "device",
      varianceExponent: 1,
      bound: {
        lossRange: 5,
        gradientNorm: 1,
        ridge: 0.5,
        minCurvature: 0.1,
        exampleCount,
        confidence: 0.1,
        gapScale: 1,
      },
      exclusionPenalty: 6,
    },
    devices: examples.map((count) => ({
      weight: count / exampleCount,
      varianceCoefficient: (0.3 * count) / exampleCount,
      preparations: [
        {
          seconds: { fixed: between(0.5, 6), perKeepRate: between(0.1, 2) },
          joules: { fixed: between(20, 60), perKeepRate: between(1, 8) },
        },
      ],
      uploadBits: { fixed: 1e4, perKeepRate: 4e6 },
      energyLimitJoules: random.uniform() < 0.5 ? Number.POSITIVE_INFINITY : between(30, 90),
    })),
    link: {
      kind: "measured",
      bitsPerSecond: examples.map(() => between(5e5, 2e7)),
      shared:
        options.seed % 2 === 0
          ? { kind: "air-time" }
          : { kind: "ingress", bitsPerSecond: options.devices * 4e5 * (options.load ?? 1) },
      radioWatts: examples.map(() => 1),
      slots: options.slots,
    },
  };
}
