import type { PlanRequest, ReadyParticipant } from "@fedlodrop/federation";
import { DEFAULT_RUN_CONFIG } from "@fedlodrop/run";
import { afterEach, expect, it } from "vitest";
import { device } from "../../../packages/protocol/src/told-by-device.fixture.ts";
import { openPlanner, type PlannerThread } from "./planner.ts";

const participant = (id: string): ReadyParticipant => ({
  id,
  nickname: id,
  known: true,
  presence: "ready",
  device: { ...device, sampleCount: 100 },
  part: 0,
});
const request = (method: PlanRequest["config"]["method"]): PlanRequest => ({
  config: { ...DEFAULT_RUN_CONFIG, method, links: "emulated", deadlineSeconds: 8 },
  adapter: { rank: 8, alpha: 16, modules: [{ name: "m", inFeatures: 2000, outFeatures: 6000 }], dense: [] },
  round: 1,
  roundsLeft: 10,
  participants: Array.from({ length: 8 }, (_, i) => participant(`p${i + 1}`)),
  records: [],
});

let planner: PlannerThread;
afterEach(() => planner.close());

it("solves in a thread and certifies", async () => {
  // Time for a proof on a machine that is busy with other things.
  planner = openPlanner({ budgetSeconds: 60, patienceSeconds: 60 });
  const { allocation, assignments } = await planner.plan(request("branch-and-bound"));
  expect(allocation).toMatchObject({ method: "branch-and-bound", fallback: false, certified: true });
  expect(assignments.length).toBeGreaterThan(0);
  expect((await planner.plan(request("fixed"))).allocation).toMatchObject({
    method: "fixed",
    certified: false,
  });
});

it("gives P-SCA's answer when the thread is silent, and goes on with a new one", async () => {
  planner = openPlanner({ budgetSeconds: 1, patienceSeconds: 0 });
  const { allocation, assignments } = await planner.plan(request("branch-and-bound"));
  expect(allocation).toMatchObject({ method: "p-sca", fallback: true });
  expect(assignments.length).toBeGreaterThan(0);
  expect((await planner.plan(request("p-sca"))).allocation).toMatchObject({
    method: "p-sca",
    fallback: false,
  });
});

it("gives P-SCA's answer when the method fails", async () => {
  planner = openPlanner();
  const failing = request("no such method" as never);
  expect((await planner.plan(failing)).allocation).toMatchObject({ method: "p-sca", fallback: true });
});
