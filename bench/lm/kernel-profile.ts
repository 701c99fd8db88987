/** Where a step's time goes on the WASM engine: each call of its plan timed on its own, summed by kind. */

import type { AdapterShape, DropoutMask } from "@fedlodrop/run";
import { placeMasked } from "../../packages/lm/src/adapter/placement.ts";
import { type Merged, mergeAdapters } from "../../packages/lm/src/engines/wasm/merge.ts";
import { architectureOf } from "../../packages/lm/src/models/architecture.ts";
import type { LanguageModel } from "../../packages/lm/src/models/language-model.ts";
import type { Engine, Execution, Plan } from "../../packages/lm/src/plan/engine.ts";
import type { KernelCall, KernelKind } from "../../packages/lm/src/plan/kernel.ts";
import type { BaseType } from "../../packages/lm/src/plan/weight.ts";
import { planStep, STEP } from "../../packages/lm/src/trainer/step-plan.ts";
import { uploadWeights } from "../../packages/lm/src/trainer/upload.ts";

export interface KernelTime {
  /** `lora-merge`: what products take longer for an adapter that they take in, in place of a `lora-up` after them. */
  readonly kind: KernelKind | "lora-merge";
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
  const pieces = piecesOf(plan);
  // A segment for each: in this engine activations stay where they are until another plan is prepared.
  const segments = Object.fromEntries(pieces.map(({ calls }, i) => [`${i}`, calls]));
  const execution = await engine.prepare({ ...plan, segments } satisfies Plan);
  writeInputs(plan, execution, mask);
  const best = pieces.map(() => Number.POSITIVE_INFINITY);
  // Once with each product as it is alone, once with its adapter, so that both find the caches as a step leaves them.
  for (let pass = 0; pass < 2 * repeats; pass++)
    for (const [i, { kind }] of pieces.entries()) {
      const skipped = pass % 2 === 0 ? kind : pieces[i + 1]?.kind;
      if (skipped === "lora-merge") continue;
      const start = performance.now();
      await execution.run(`${i}`);
      best[i] = Math.min(best[i] as number, performance.now() - start);
    }
  execution.dispose();
  const kinds = [...new Set(pieces.map(({ kind }) => kind))];
  return kinds
    .map((kind) => {
      const own = [...pieces.keys()].filter((i) => pieces[i]?.kind === kind);
      const sum = (of: (i: number) => number): number => own.reduce((total, i) => total + of(i), 0);
      const gflop = sum((i) => (kind === "lora-merge" ? 0 : flops(pieces[i]?.calls[0] as KernelCall))) / 1e9;
      // The product alone is the piece before the one that it takes the adapter in.
      const before = (i: number): number => (kind === "lora-merge" ? (best[i - 1] as number) : 0);
      return { kind, calls: own.length, milliseconds: sum((i) => (best[i] as number) - before(i)), gflop };
    })
    .sort((a, b) => b.milliseconds - a.milliseconds);
}

interface Piece {
  readonly kind: KernelTime["kind"];
  readonly calls: readonly KernelCall[];
}

/** What is timed: call by call; a product that takes in an adapter twice, first without it. */
function piecesOf(plan: Plan): readonly Piece[] {
  const { calls, merged } = mergeAdapters(plan.segments[STEP] as readonly KernelCall[], plan.buffers);
  // Nothing in its segment reads what `down` sets, so that the engine leaves it out there.
  const together = (call: KernelCall, { down, up }: Merged): Piece => ({
    kind: "lora-merge",
    calls: [call, down, up],
  });
  return calls.flatMap((call): readonly Piece[] => {
    const site = merged.get(call);
    const alone: Piece = { kind: call.kind, calls: [call] };
    return site ? [alone, together(call, site)] : [alone];
  });
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
