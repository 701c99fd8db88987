import { expect, it } from "vitest";
import { costPlotSvg } from "./cost-plot.ts";
import { separableCosts } from "./objective.ts";
import { allocate } from "./solve.ts";
import { small } from "./solver.contract.ts";

it("marks the least of the curve where the solver's minimiser is, and the rate allocated", () => {
  const problem = small({ seed: 18, slack: 30 });
  const allocation = allocate(problem, "branch-and-bound");
  for (const [k, device] of allocation.devices.entries()) {
    const svg = costPlotSvg(problem, allocation, k);
    const marked = Number(/least at γ = ([\d.]+)/.exec(svg)?.[1]);
    expect(Math.abs(marked - (1 - separableCosts(problem, 0).ideal[k]!))).toBeLessThan(0.9 / 200);
    expect(device.kind === "admitted" && svg.includes(`allocated γ = ${device.dropoutRate.toFixed(3)}`)).toBe(
      true,
    );
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
