import { expect, it } from "vitest";
import { enumerateAssignments, subsetDynamicProgramme } from "./exact.ts";
import { small } from "./solver.contract.ts";

it("enumeration and subset dynamic programming agree", () => {
  for (let seed = 80; seed < 86; seed++) {
    const problem = small({ seed, channels: 6, operatingPoints: 1 + (seed % 2) });
    const [all, subsets] = [enumerateAssignments(problem), subsetDynamicProgramme(problem)];
    expect(subsets.objective).toBeCloseTo(all.objective, 12);
    expect(Array.from(subsets.keepRates)).toEqual(Array.from(all.keepRates));
  }
});
