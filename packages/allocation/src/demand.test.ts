import { createRandom } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { DemandQuery } from "./demand.ts";
import { enumerateAssignments } from "./exact.ts";
import { linkModel } from "./link-model.ts";
import { fillValues } from "./marginal-values.ts";
import { costAtLimit, separableCosts } from "./objective.ts";
import { type RadioLink, radioProblem } from "./problem.ts";
import { radioInstance } from "./radio-instance.ts";
import { randomSystem } from "./random-instance.ts";
import { relaxedBound } from "./relaxation.ts";
import { small } from "./solver.contract.ts";

const random = createRandom(11);

describe("demand at prices", () => {
  it("is the least over all subsets, for random prices of all orders", () => {
    for (let seed = 40; seed < 52; seed++) {
      const channels = 8;
      const problem = small({
        seed,
        channels,
        operatingPoints: 1 + (seed % 2),
        slack: 0.7 + 0.1 * (seed % 9),
      });
      const instance = radioInstance(problem, problem.link as RadioLink);
      const separable = separableCosts(problem, 0);
      const model = linkModel(problem);
      for (let k = 0; k < 3; k++) {
        const query = new DemandQuery(instance, k);
        for (let trial = 0; trial < 6; trial++) {
          const scale = 10 ** (-4 * random.uniform());
          const prices = Float64Array.from({ length: channels }, () => scale * random.uniform());
          const allowed = Uint8Array.from({ length: 3 * channels }, () => (random.uniform() < 0.85 ? 1 : 0));
          let least = Number.POSITIVE_INFINITY;
          const owner = new Int32Array(channels);
          for (let set = 0; set < 1 << channels; set++) {
            let total = 0;
            for (let m = 0; m < channels; m++) {
              const held = ((set >> m) & 1) === 1;
              if (held && allowed[k * channels + m] === 0) total = Number.POSITIVE_INFINITY;
              owner[m] = held ? k : -1;
              total += held ? prices[m]! : 0;
            }
            least = Math.min(least, total + costAtLimit(separable, k, model.keepRateLimit(k, owner)));
          }
          const demand = query.ask(separable, prices, allowed, true, separable.excluded[k]!, 0);
          expect(demand.floor).toBeLessThanOrEqual(least + 1e-12);
          expect(demand.floor).toBeGreaterThan(least - 1e-9 * Math.abs(least));
          const found = demand.columns.at(-1);
          if (found !== undefined) {
            const priced = found.channels.reduce(
              (sum, m) => sum + prices[m]!,
              costAtLimit(separable, k, found.limit),
            );
            expect(priced).toBeCloseTo(least, 10);
          }
        }
      }
    }
  });
  it("stays a floor when it may stay below the true demand by a slack", () => {
    const channels = 8;
    const own = createRandom(5);
    for (let seed = 1; seed <= 24; seed++) {
      const problem = radioProblem(
        randomSystem({ seed, devices: 3, channels, family: "browser", slack: 0.7 + 0.1 * (seed % 9) }),
      );
      const instance = radioInstance(problem, problem.link as RadioLink);
      const separable = separableCosts(problem, 0);
      const query = new DemandQuery(instance, 2);
      const everything = new Uint8Array(3 * channels).fill(1);
      const out = separable.excluded[2]!;
      for (let trial = 0; trial < 40; trial++) {
        const scale = 10 ** (-4 * own.uniform());
        const prices = Float64Array.from({ length: channels }, () => scale * own.uniform());
        const least = query.ask(separable, prices, everything, true, out, 0).floor;
        for (const slack of [1e-2 * least, 1e-4 * least]) {
          const { floor } = query.ask(separable, prices, everything, true, out, slack);
          expect(floor).toBeLessThanOrEqual(least + 1e-9 * slack);
          expect(floor).toBeGreaterThan(least - (1 + 1e-9) * slack);
        }
      }
    }
  });
});

describe("bounds for random multipliers and prices", () => {
  it("never exceed the enumerated optimum", () => {
    for (let seed = 60; seed < 66; seed++) {
      const problem = small({ seed, operatingPoints: 1 + (seed % 2) });
      const instance = radioInstance(problem, problem.link as RadioLink);
      const separable = separableCosts(problem, 0);
      const model = linkModel(problem);
      const hopeless = problem.devices.map((_, k) => model.wholeLinkLimit(k) === 0);
      const exact = enumerateAssignments(problem).objective;
      const queries = problem.devices.map((_, k) => new DemandQuery(instance, k));
      for (let trial = 0; trial < 20; trial++) {
        const multipliers = problem.devices.map(() => ({
          ratePrice: 10 ** (-5 - 4 * random.uniform()),
          powerPrice: 10 ** (1 - 4 * random.uniform()),
        }));
        const values = new Float64Array(3 * instance.channels);
        multipliers.forEach((each, k) => {
          fillValues(instance, k, each, values);
        });
        expect(relaxedBound(instance, separable, hopeless, multipliers, values)).toBeLessThanOrEqual(
          exact + 1e-9,
        );

        const prices = Float64Array.from({ length: instance.channels }, () => 0.3 * random.uniform() ** 2);
        const allowed = new Uint8Array(3 * instance.channels).fill(1);
        const floors = queries.map(
          (q, k) => q.ask(separable, prices, allowed, true, separable.excluded[k]!, 0).floor,
        );
        const dual =
          floors.reduce((sum, floor) => sum + floor, 0) - prices.reduce((sum, price) => sum + price, 0);
        expect(dual).toBeLessThanOrEqual(exact + 1e-9);
      }
    }
  });
});
