/** Seeded small radio problems in which everything is wide apart: gains over five decades, energies that barely cover
 *  the training, narrow and wide channels. Here a heuristic easily shuts out a device that belongs in. */

import { createRandom } from "@fedlodrop/run";
import type { AllocationProblem } from "./problem.ts";
import { randomSystem } from "./random-instance.ts";

export function randomSpreadProblem(seed: number): AllocationProblem {
  const random = createRandom(seed);
  const between = (low: number, high: number): number => low + (high - low) * random.uniform();
  const spread = (low: number, high: number): number => low * (high / low) ** random.uniform();
  const [devices, channels] = [2 + random.below(2), 3 + random.below(2)];
  const [subChannelHertz, deadlineSeconds] = [spread(15e3, 180e3), spread(2, 20)];
  const [maxWatts, efficiency] = [0.2, 0.35];
  const { objective } = randomSystem({ seed: 1, devices: 3, channels: 4, family: "browser" });
  const each = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);
  return {
    id: `spread-${seed}`,
    deadlineSeconds,
    minDropoutRate: 0,
    maxDropoutRate: 0.9,
    objective: {
      ...objective,
      mode: random.below(2) === 0 ? "device" : "global",
      varianceExponent: [1, 1.5, 2][random.below(3)] as number,
      exclusionPenalty: objective.exclusionPenalty * spread(0.03, 1),
    },
    devices: each(devices, () => {
      const [seconds, joules] = [between(0.05, 0.6) * deadlineSeconds, spread(0.3, 3)];
      const bits = spread(0.2, 2) * subChannelHertz * deadlineSeconds;
      const radioJoules = (spread(0.003, 0.5) * deadlineSeconds * maxWatts) / efficiency;
      return {
        weight: 1 / devices,
        varianceCoefficient: spread(0.005, 0.2) / devices,
        preparations: [
          {
            seconds: { fixed: seconds, perKeepRate: seconds * between(0, 0.3) },
            joules: { fixed: joules, perKeepRate: joules * between(0, 0.3) },
          },
        ],
        uploadBits: { fixed: 0.02 * bits, perKeepRate: bits },
        energyLimitJoules: 1.3 * joules + radioJoules,
      };
    }),
    link: {
      kind: "radio",
      subChannelHertz,
      gainPerWatt: each(devices, () => {
        const mean = spread(3, 3000);
        return each(channels, () => mean * spread(0.03, 30));
      }),
      maxTransmitPowerWatts: each(devices, () => maxWatts),
      amplifierEfficiency: each(devices, () => efficiency),
    },
  };
}
