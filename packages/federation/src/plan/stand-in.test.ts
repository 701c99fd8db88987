import type { AllocationRecord } from "@fedlodrop/run";
import { expect, it } from "vitest";
import type { RoundPlan } from "../round/run-state.ts";
import { request, three } from "./plan.fixture.ts";
import { planRound } from "./plan.ts";
import { asksPSca, orQuick } from "./stand-in.ts";

const asked = request({ method: "branch-and-bound" }, three);
const quick = planRound(asksPSca(asked));
const changed = (plan: RoundPlan, change: Partial<AllocationRecord>): RoundPlan => ({
  ...plan,
  allocation: { ...(plan.allocation as AllocationRecord), ...change },
});

it("P-SCA stands in for a search that was stopped behind it, and for no plan at all", () => {
  const own = planRound(asked);
  const objective = quick.allocation?.objective as number;
  const behind = { certified: false, objective: objective + 1 };
  expect(quick.allocation).toMatchObject({ method: "p-sca", fallback: false });
  for (const plan of [orQuick(changed(own, behind), quick), orQuick(null, quick)])
    expect(plan).toEqual(changed(quick, { fallback: true }));
});

it("what is proven, ahead, or meant to be a baseline stays", () => {
  const objective = quick.allocation?.objective as number;
  for (const own of [
    planRound(asked),
    changed(planRound(asked), { certified: true, objective: objective + 1 }),
    changed(planRound(asked), { certified: false, objective: objective - 1 }),
    changed(planRound(asked), { method: "equal", certified: false, objective: objective + 1 }),
  ])
    expect(orQuick(own, quick)).toBe(own);
});
