import type { BoundEstimate, RoundRecord } from "@fedlodrop/run";
import { expect, it } from "vitest";
import { gapSeries } from "./gap-series.ts";

type Planned = Pick<BoundEstimate, "form" | "gapOffset" | "gapDeviation">;

const round = (constants: Planned, generalisationTerm: number, measuredGap: number | null): RoundRecord =>
  ({ allocation: { constants, generalisationTerm, measuredGap } }) as unknown as RoundRecord;
const calibrated = (gapOffset: number, gapDeviation: number | null = null): Planned => ({
  ...{ form: "calibrated", gapOffset, gapDeviation },
});

it("has a forecast as soon as plans have one, and its band once rounds have shown how far off they are", () => {
  const rounds = [
    round(calibrated(0), 0.0001, 0.3),
    { allocation: null } as unknown as RoundRecord,
    round(calibrated(0.5), 0.6, 0.7),
    round(calibrated(0.5, 0.1), 0.75, null),
  ];
  expect(gapSeries(rounds)).toEqual({
    measured: [0.3, null, 0.7, null],
    foreseen: [null, null, 0.6, 0.75],
    low: [null, null, null, 0.65],
    high: [null, null, null, 0.85],
  });
});

it("has the theorem's own value in every round that was planned by it", () => {
  const theorem = { form: "theorem", gapOffset: 0, gapDeviation: null } as const;
  expect(gapSeries([round(theorem, 11, null)]).foreseen).toEqual([11]);
});
