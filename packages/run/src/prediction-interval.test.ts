import { describe, expect, it } from "vitest";
import { COVERAGE, trackIntervals } from "./prediction-interval.ts";
import { createRandom } from "./random.ts";

const ROUNDS = 12;
const RUNS = 300;

/** Two devices of one machine, whose load forecasts follow as a plan does: half of the last round's, half of all before. */
function play(nextLoad: (load: number, uniform: number, normal: number) => number) {
  const random = createRandom("loads");
  let [held, all] = [0, 0];
  const widths: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const tracker = trackIntervals();
    let [load, forecast] = [1, 1];
    for (let round = 0; round < ROUNDS; round++) {
      load = nextLoad(load, random.uniform(), random.normal());
      const ratios = [1, 2].map(() => (load * Math.exp(0.03 * random.normal())) / forecast);
      const ends = tracker.interval();
      if (ends !== null) {
        held += ratios.filter((ratio) => ratio >= ends[0] && ratio <= ends[1]).length;
        all += ratios.length;
        widths.push(Math.log(ends[1] / ends[0]));
      }
      tracker.see(ratios);
      forecast = (forecast + load) / 2;
    }
  }
  return { share: held / all, width: widths.reduce((sum, own) => sum + own, 0) / widths.length };
}

const STEADY = (load: number): number => load;

describe("intervals of runs of twelve rounds", () => {
  it.each([
    ["is steady", STEADY],
    ["drifts", (load: number, _: number, normal: number) => load * Math.exp(0.15 * normal)],
    ["jumps now and then", (load: number, u: number) => (u < 0.1 ? load * 2 : u > 0.9 ? load / 2 : load)],
    ["wobbles", (_: number, __: number, normal: number) => Math.exp(0.3 * normal)],
  ])("hold what they are meant to where the load %s", (_, nextLoad) => {
    const { share } = play(nextLoad);
    expect(share).toBeGreaterThan(COVERAGE - 0.04);
    expect(share).toBeLessThan(0.93);
  });

  it("are as narrow as a steady machine allows", () => {
    // Of a deviation of 3 %, eight tenths are within 2.6 times it from end to end.
    expect(play(STEADY).width).toBeLessThan(2 * 2.6 * 0.03);
  });
});

it("says nothing before two rounds", () => {
  const tracker = trackIntervals();
  expect(tracker.interval()).toBeNull();
  tracker.see([1.1]);
  tracker.see([]);
  expect(tracker.interval()).toBeNull();
  tracker.see([0.9]);
  expect(tracker.interval()).not.toBeNull();
});
