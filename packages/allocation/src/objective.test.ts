import { createRandom } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { bestKeepRates, keptShare, objectiveAt, separableCosts } from "./objective.ts";
import { small } from "./solver.contract.ts";

const random = createRandom(5);
const drawRates = () =>
  Array.from({ length: 3 }, () => (random.uniform() < 0.2 ? 0 : 0.1 + 0.9 * random.uniform()));

describe("objective", () => {
  it("in device mode majorises global mode, and equals it for equal rates", () => {
    for (let seed = 1; seed <= 10; seed++) {
      const device = small({ seed });
      const global = small({ seed, mode: "global" });
      const rates = drawRates();
      expect(objectiveAt(global, rates)).toBeLessThanOrEqual(objectiveAt(device, rates) + 1e-12);
      expect(objectiveAt(global, [0.4, 0.4, 0.4])).toBeCloseTo(objectiveAt(device, [0.4, 0.4, 0.4]), 12);
    }
  });

  it("is bounded below by every tangent, which touches it at its point", () => {
    const problem = small({ seed: 3, mode: "global" });
    for (let i = 0; i < 50; i++) {
      const rates = drawRates().map((s) => Math.max(s, 0.1));
      const at = (y: number) =>
        separableCosts(problem, y).costs.reduce((sum, cost, k) => sum + cost.at(rates[k]!), 0);
      expect(at(random.uniform())).toBeLessThanOrEqual(objectiveAt(problem, rates) + 1e-12);
      expect(at(keptShare(problem, rates))).toBeCloseTo(objectiveAt(problem, rates), 12);
    }
  });

  it("is least at bestKeepRates among random rates under the same limits, in both modes", () => {
    for (const mode of ["device", "global"] as const) {
      const problem = small({ seed: 6, mode });
      for (let i = 0; i < 20; i++) {
        const limits = drawRates();
        const best = objectiveAt(problem, bestKeepRates(problem, limits));
        for (let j = 0; j < 100; j++) {
          const rates = limits.map((limit) => (limit === 0 ? 0 : 0.1 + (limit - 0.1) * random.uniform()));
          expect(best).toBeLessThanOrEqual(objectiveAt(problem, rates) + 1e-12);
        }
      }
    }
  });
});
