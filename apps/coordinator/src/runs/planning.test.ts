import type { PlanRequest, RoundPlan } from "@fedlodrop/federation";
import { expect, it } from "vitest";
import { createPlanning } from "./planning.ts";

const request = { round: 3 } as PlanRequest;

it("tells why nobody can take part, by the causes", async () => {
  const exclusion = { cause: "compute", leastDeadlineSeconds: 90, leastEnergyJoules: null } as const;
  const devices = [{ id: "p1", excludedBecause: "training takes longer than the round", exclusion }];
  const nobody = { assignments: [], allocation: { devices } } as unknown as RoundPlan;
  const lines: string[] = [];
  const planning = createPlanning(
    async () => nobody,
    (line) => lines.push(line),
  );
  await planning.plan(request);
  expect(planning.problem?.standstill).toEqual({ kind: "nobody-fits", exclusions: [exclusion] });
  expect(lines).toEqual([
    "round 3 pauses the run, nobody can take part (p1: training takes longer than the round)",
  ]);
});
