/** Calls that threads carry out apart: what they are, and that they change no bit of a whole step. */
import { expect, test, vi } from "vitest";
import { placeMasked } from "../../adapter/placement.ts";
import { architectureOf } from "../../models/architecture.ts";
import type { KernelCall } from "../../plan/kernel.ts";
import { createPlannedTrainer } from "../../trainer/planned-trainer.ts";
import { cases, model, type PytorchCase } from "../../trainer/pytorch.contract.ts";
import { planStep, STEP } from "../../trainer/step-plan.ts";
import { request } from "../../trainer/trainer.contract.ts";
import { nodeHost } from "./node-host.ts";
import { openWasmEngine } from "./open.ts";
import { type Step, schedule } from "./schedule.ts";

const [from] = cases as readonly [PytorchCase];

function stepsOf(batch: number, threads: number): { calls: readonly KernelCall[]; steps: readonly Step[] } {
  const placement = placeMasked(from.shape, from.mask, 1);
  const shape = { batch, length: 12, labels: null, placement, purpose: "train" } as const;
  const { plan } = planStep(architectureOf(model.config), shape);
  const calls = plan.segments[STEP]!;
  return { calls, steps: schedule(calls, plan.buffers, threads) };
}

test("a step is few pieces, each call in them once for every sequence", () => {
  const { calls, steps } = stepsOf(4, 2);
  expect(calls.length).toBeGreaterThan(60);
  expect(steps.length).toBeLessThan(16);
  const together = steps.flatMap((step) => (step.kind === "together" ? [step.call] : []));
  const banded = steps.flatMap((step) =>
    step.kind === "apart" && step.tasks[0]?.band ? [...step.tasks[0].calls] : [],
  );
  const gradients = calls.filter(({ kind }) => kind === "lora-gradient");
  expect(together.length + banded.length + gradients.length).toBe(calls.length);
  expect(new Set([...together, ...banded, ...gradients])).toEqual(new Set(calls));
  for (const step of steps)
    if (step.kind === "apart" && step.tasks[0]?.band)
      expect(step.tasks.map(({ band }) => [band?.first, band?.end])).toEqual([
        [0, 1],
        [1, 2],
        [2, 3],
        [3, 4],
      ]);
});

test("one thread, and a batch that does not divide among threads, go call by call", () => {
  for (const [batch, threads] of [
    [4, 1],
    [1, 2],
    [4, 3],
  ] as const)
    expect(stepsOf(batch, threads).steps.every(({ kind }) => kind === "together")).toBe(true);
});

test.each(cases)("one, two and three threads train $dataset.kind to the same bits", async (each) => {
  const results = [];
  for (const threads of [1, 2, 3]) {
    const engine = await openWasmEngine({ ...nodeHost(threads), smallestShared: 0 });
    const trainer = await createPlannedTrainer(engine, model, each.shape, "f32");
    results.push(await trainer.trainRound(request(each, { localSteps: 6 }), each.dataset));
    trainer.dispose();
  }
  const [alone, ...shared] = results;
  for (const result of shared) {
    expect(result.delta).toEqual(alone?.delta);
    expect(result.steps.map(({ loss }) => loss)).toEqual(alone?.steps.map(({ loss }) => loss));
  }
});

test("other tabs may come and go between steps: the bits stay", async () => {
  const results = [];
  let asked = 0;
  const tabs = {
    fairShare: 2,
    get isCrowded() {
      return asked++ % 3 !== 0;
    },
    leave: vi.fn(),
  };
  for (const host of [nodeHost(1), { ...nodeHost(2), joinTabs: async () => tabs }]) {
    const trainer = await createPlannedTrainer(
      await openWasmEngine({ ...host, smallestShared: 0 }),
      model,
      from.shape,
      "f32",
    );
    results.push(await trainer.trainRound(request(from, { localSteps: 6 }), from.dataset));
    trainer.dispose();
  }
  expect(results[1]!.delta).toEqual(results[0]!.delta);
  expect(asked).toBeGreaterThan(5);
  expect(tabs.leave).toHaveBeenCalledOnce();
});
