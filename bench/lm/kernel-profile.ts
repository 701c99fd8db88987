/** Where a step's time goes on the WASM engine: each call of its plan timed on its own, summed by kind. */

import type { AdapterShape, DropoutMask } from "@fedlodrop/run";
import { placeMasked } from "../../packages/lm/src/adapter/placement.ts";
import { architectureOf } from "../../packages/lm/src/models/architecture.ts";
import type { LanguageModel } from "../../packages/lm/src/models/language-model.ts";
import type { Engine, Execution, Plan } from "../../packages/lm/src/plan/engine.ts";
import type { KernelCall, KernelKind } from "../../packages/lm/src/plan/kernel.ts";
import type { BaseType } from "../../packages/lm/src/plan/weight.ts";
import { planStep, STEP } from "../../packages/lm/src/trainer/step-plan.ts";
import { uploadWeights } from "../../packages/lm/src/trainer/upload.ts";

export interface KernelTime {
  readonly kind: KernelKind;
  readonly calls: number;
  readonly milliseconds: number;
  /** Of matrix products, counting a multiply-add as two; 0 for the others. */
  readonly gflop: number;
}

export interface ProfiledStep {
  readonly model: LanguageModel;
  readonly adapter: AdapterShape;
  readonly mask: DropoutMask;
  readonly batch: number;
  readonly length: number;
  readonly base: BaseType;
}

/** The best of `repeats` times of every call. */
export async function profileStep(
  engine: Engine,
  { model, adapter, mask, batch, length, base }: ProfiledStep,
  repeats: number,
): Promise<readonly KernelTime[]> {
  const architecture = architectureOf(model.config);
  await uploadWeights(engine, model, base);
  const placement = placeMasked(adapter, mask, 1);
  const { plan } = planStep(architecture, { batch, length, labels: null, placement, purpose: "train" });
  const calls = plan.segments[STEP] as readonly KernelCall[];
  // A call a segment: in this engine activations stay where they are until another plan is prepared.
  const segments = Object.fromEntries(calls.map((call, i) => [`${i}`, [call]]));
  const execution = await engine.prepare({ ...plan, segments } satisfies Plan);
  writeInputs(plan, execution, mask);
  const best = calls.map(() => Number.POSITIVE_INFINITY);
  for (let repeat = 0; repeat < repeats; repeat++)
    for (const i of calls.keys()) {
      const start = performance.now();
      await execution.run(`${i}`);
      best[i] = Math.min(best[i] as number, performance.now() - start);
    }
  execution.dispose();
  const kinds = [...new Set(calls.map(({ kind }) => kind))];
  return kinds
    .map((kind) => {
      const own = [...calls.keys()].filter((i) => calls[i]?.kind === kind);
      const sum = (of: (i: number) => number): number => own.reduce((total, i) => total + of(i), 0);
      const gflop = sum((i) => flops(calls[i] as KernelCall)) / 1e9;
      return { kind, calls: own.length, milliseconds: sum((i) => best[i] as number), gflop };
    })
    .sort((a, b) => b.milliseconds - a.milliseconds);
}

/** Ones for targets' weights, ascending indices for kept columns, zeros (valid ids) elsewhere. */
function writeInputs(plan: Plan, execution: Execution, mask: DropoutMask): void {
  for (const [id, { kind, name, size }] of plan.buffers.entries()) {
    if (kind !== "input") continue;
    if (name === "kept indices")
      execution.write(id, Int32Array.from(mask.flatMap((m) => [...m.keptColumns, ...m.keptRows])));
    if (name === "weights") execution.write(id, new Float32Array(size).fill(1 / size));
  }
}

function flops(call: KernelCall): number {
  switch (call.kind) {
    case "linear":
    case "linear-backward":
      return 2 * call.rows * call.inFeatures * call.outFeatures;
    case "cross-entropy":
      return 2 * call.rows * call.width * call.vocabulary * (call.dHidden === null ? 1 : 2);
    case "lora-down":
    case "lora-up":
    case "lora-gradient":
      return 2 * call.rows * call.kept * call.rank;
    case "attention":
      return 2 * call.batch * call.heads * call.length ** 2 * call.headWidth; // half of both products
    case "attention-backward":
      return 5 * call.batch * call.heads * call.length ** 2 * call.headWidth;
    default:
      return 0;
  }
}
