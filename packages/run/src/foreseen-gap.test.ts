import { expect, it } from "vitest";
import { foreseenGap } from "./foreseen-gap.ts";
import type { BoundEstimate } from "./report.ts";

const planned = (form: BoundEstimate["form"], gapOffset: number, generalisationTerm: number): number | null =>
  foreseenGap({ generalisationTerm, constants: { form, gapOffset } as BoundEstimate });

it("is no forecast while calibrated constants have no measured gaps to go by", () => {
  expect(planned("calibrated", 0, 1e-4)).toBeNull();
  expect(planned("calibrated", 0.5, 0.6)).toBe(0.6);
  expect(planned("calibrated", -0.2, -0.1)).toBe(-0.1);
});

it("is the theorem's own value under the theorem's constants, from the first round on", () => {
  expect(planned("theorem", 0, 11)).toBe(11);
});
