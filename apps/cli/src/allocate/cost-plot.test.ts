import {
  allocate,
  instanceFamilies,
  type RandomInstance,
  radioProblem,
  randomSystem,
} from "@fedlodrop/allocation";
import { expect, it } from "vitest";
import { costPlotSvg } from "./cost-plot.ts";

const small = (options: Partial<RandomInstance> & { seed: number }) =>
  radioProblem(
    randomSystem({
      devices: 3,
      channels: 5,
      family: instanceFamilies[options.seed % instanceFamilies.length]!,
      ...options,
    }),
  );

it("marks the least of the curve where the solver's minimiser is, and the rate allocated", () => {
  const problem = small({ seed: 18, slack: 30 });
  const allocation = allocate(problem, "branch-and-bound");
  for (const [k, device] of allocation.devices.entries()) {
    const svg = costPlotSvg(problem, allocation, k);
    const marked = Number(/least at γ = ([\d.]+)/.exec(svg)?.[1]);
    if (device.kind === "excluded") throw new Error(`device ${k}: expected to be admitted`);
    // Neither time nor energy binds.
    expect(Math.abs(marked - device.dropoutRate)).toBeLessThan(0.9 / 200);
    expect(svg).toContain(`allocated γ = ${device.dropoutRate.toFixed(3)}`);
    expect(svg.match(/<polyline/g)).toHaveLength(3);
    expect(svg).not.toContain("NaN");
  }
});

it("draws excluded devices and global mode, and escapes names", () => {
  const problem = { ...small({ seed: 7, mode: "global" }), id: "<a & b>", deadlineSeconds: 0.01 };
  const svg = costPlotSvg(problem, allocate(problem, "greedy"), 0);
  expect(svg).toContain("excluded this round");
  expect(svg).toContain("&lt;a &amp; b>: device 0");
  expect(() => costPlotSvg(problem, allocate(problem, "greedy"), 3)).toThrow(
    "plot: expected a device below 3, got 3",
  );
  const oneRate = { ...problem, minDropoutRate: 0.4, maxDropoutRate: 0.4 };
  expect(() => costPlotSvg(oneRate, allocate(oneRate, "greedy"), 0)).toThrow(
    "plot: expected gamma_max above gamma_min, got 0.4 for both",
  );
});
