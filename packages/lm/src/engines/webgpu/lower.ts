/**
 * Turns a segment's kernel calls into programs. A frozen product takes up what follows it where the plan allows: LoRA's
 * second product onto its result, and an activation of it. Fewer programs, and the result is stored once.
 */

import type { Activation } from "../../ops/activation.ts";
import type { WeightName } from "../../ops/buffer.ts";
import type { Linear, LinearBackward } from "../../ops/linear.ts";
import type { LoraUp } from "../../ops/lora.ts";
import type { Plan } from "../../plan/engine.ts";
import { accessesOf, type KernelCall } from "../../plan/kernel.ts";
import {
  activationBackwardProgram,
  activationProgram,
  addProgram,
  gatedBackwardProgram,
  gatedProgram,
} from "./kernels/activation.ts";
import { attentionBackwardPrograms, attentionProgram, cachedAttentionProgram } from "./kernels/attention.ts";
import { crossEntropyPrograms, logitCrossEntropyProgram } from "./kernels/cross-entropy.ts";
import { loraDownProgram, loraGradientProgram, loraUpProgram } from "./kernels/lora.ts";
import {
  layerNormBackwardProgram,
  layerNormProgram,
  rmsNormBackwardProgram,
  rmsNormProgram,
} from "./kernels/norm.ts";
import { type MatrixForm, type Product, productProgram } from "./kernels/product.ts";
import {
  cacheAppendProgram,
  denseBackwardPrograms,
  denseProgram,
  embedProgram,
  gatherRowsProgram,
  rotaryProgram,
  scatterRowsProgram,
} from "./kernels/rows.ts";
import { adamWProgram, dotProgram, normProgram } from "./kernels/sums.ts";
import type { Program } from "./program.ts";
import type { KernelVariants } from "./variants.ts";

export interface Lowering {
  readonly variants: KernelVariants;
  readonly nativeHalf: boolean;
  /** @throws when no such matrix was uploaded */
  matrix(name: WeightName): MatrixForm;
}

export function lowerSegment(plan: Plan, segment: readonly KernelCall[], lowering: Lowering): Program[] {
  return fuse(plan, segment).flatMap((step) => programsOf(step, lowering));
}

/** A call, or a frozen product with what it takes up. */
type Step =
  | { readonly kind: "call"; readonly call: KernelCall }
  | {
      readonly kind: "product";
      readonly call: Linear | LinearBackward;
      readonly up: LoraUp | null;
      readonly activation: Activation | null;
    };

function fuse(plan: Plan, segment: readonly KernelCall[]): Step[] {
  const steps: Step[] = [];
  const taken = new Set<KernelCall>();
  /** Products that wait for the call they take up, by it. */
  const waiting = new Map<KernelCall, Step>();
  segment.forEach((call, at) => {
    const delayed = waiting.get(call);
    if (delayed) steps.push(delayed);
    if (delayed || taken.has(call)) return;
    if (call.kind !== "linear" && call.kind !== "linear-backward") {
      steps.push({ kind: "call", call });
      return;
    }
    const out = call.kind === "linear" ? call.out : call.dx;
    const following = (from: number): KernelCall | undefined =>
      segment.slice(from + 1).find((next) => touches(plan, next, out));
    const next = following(at);
    const up = next?.kind === "lora-up" && next.y === out && canWait(plan, segment, at, next) ? next : null;
    const last = up ? segment.indexOf(up) : at;
    const after = following(last);
    const activation =
      after?.kind === "activation" &&
      after.x === out &&
      isNext(segment, last, after) &&
      isClear(plan, [call, up], after.out)
        ? after
        : null;
    if (activation) taken.add(activation);
    const step: Step = { kind: "product", call, up, activation };
    if (up) waiting.set(up, step);
    else steps.push(step);
  });
  return steps;
}

const isNext = (segment: readonly KernelCall[], at: number, call: KernelCall): boolean =>
  segment[at + 1] === call;

/** Whether the product at `at` may run as late as `until`: nothing in between writes over what it reads. */
function canWait(plan: Plan, segment: readonly KernelCall[], at: number, until: KernelCall): boolean {
  const product = segment[at] as KernelCall;
  const reads = accessesOf(product).filter(({ mode }) => mode !== "write");
  return segment
    .slice(at + 1, segment.indexOf(until))
    .flatMap(accessesOf)
    .every(
      ({ buffer, mode }) => mode === "read" || reads.every((read) => !overlap(plan, read.buffer, buffer)),
    );
}

/** Whether a buffer lies apart from all that the calls read, so that they can write it too. */
function isClear(plan: Plan, calls: readonly (KernelCall | null)[], buffer: number): boolean {
  return calls
    .filter((call) => call !== null)
    .flatMap(accessesOf)
    .every((access) => access.buffer === buffer || !overlap(plan, access.buffer, buffer));
}

const touches = (plan: Plan, call: KernelCall, buffer: number): boolean =>
  accessesOf(call).some((access) => overlap(plan, access.buffer, buffer));

/** Whether two buffers are one piece of memory. */
function overlap(plan: Plan, a: number, b: number): boolean {
  const slot = plan.buffers[a]?.slot ?? null;
  return a === b || (slot !== null && slot === plan.buffers[b]?.slot);
}

function programsOf(step: Step, lowering: Lowering): readonly Program[] {
  if (step.kind === "product") return [frozenProduct(step, lowering)];
  const { call } = step;
  const { variants, nativeHalf, matrix } = lowering;
  switch (call.kind) {
    case "embed":
      return [
        embedProgram(
          call,
          matrix(call.table),
          call.positionTable === null ? null : matrix(call.positionTable),

          nativeHalf,
        ),
      ];
    case "layer-norm":
      return [layerNormProgram(call, variants.normRows)];
    case "layer-norm-backward":
      return [layerNormBackwardProgram(call, variants.normRows)];
    case "rms-norm":
      return [rmsNormProgram(call, variants.normRows)];
    case "rms-norm-backward":
      return [rmsNormBackwardProgram(call, variants.normRows)];
    case "linear":
    case "linear-backward":
      return [frozenProduct({ kind: "product", call, up: null, activation: null }, lowering)];
    case "lora-down":
      return [loraDownProgram(call, variants.loraDown)];
    case "lora-up":
      return [loraUpProgram(call)];
    case "lora-gradient":
      return [loraGradientProgram(call, variants.loraGradient)];
    case "attention":
      return [attentionProgram(call, variants.attention)];
    case "attention-backward":
      return attentionBackwardPrograms(call, variants.attentionBackward);
    case "cache-append":
      return [cacheAppendProgram(call)];
    case "cached-attention":
      return [cachedAttentionProgram(call)];
    case "rotary":
      return [rotaryProgram(call)];
    case "activation":
      return [activationProgram(call)];
    case "activation-backward":
      return [activationBackwardProgram(call)];
    case "gated":
      return [gatedProgram(call)];
    case "gated-backward":
      return [gatedBackwardProgram(call)];
    case "add":
      return [addProgram(call)];
    case "cross-entropy":
      return crossEntropyPrograms(call, matrix(call.head), {
        product: (product) => productOf(product, lowering),
        row: variants.lossRows,

        nativeHalf,
      });
    case "logit-cross-entropy":
      return [logitCrossEntropyProgram(call, variants.lossRows)];
    case "dense":
      return [denseProgram(call)];
    case "dense-backward":
      return denseBackwardPrograms(call);
    case "gather-rows":
      return [gatherRowsProgram(call)];
    case "scatter-rows":
      return [scatterRowsProgram(call)];
    case "adamw":
      return [adamWProgram(call)];
    case "dot":
      return [dotProgram(call)];
    case "norm":
      return [normProgram(call)];
    default:
      return call satisfies never;
  }
}

function frozenProduct(
  { call, up, activation }: Extract<Step, { kind: "product" }>,
  lowering: Lowering,
): Program {
  const form = lowering.matrix(call.weight);
  const shared = {
    weight: call.weight,
    form,
    firstOutput: 0,
    outputs: call.outFeatures,
    rows: call.rows,
    lowRank: up,
    activation: activation && { function: activation.function, out: activation.out },
    rescale: null,
  };
  return productOf(
    call.kind === "linear"
      ? { ...shared, over: "inputs", x: call.x, out: call.out, bias: call.bias, add: call.residual }
      : { ...shared, over: "outputs", x: call.dy, out: call.dx, bias: null, add: call.add },
    lowering,
  );
}

function productOf(product: Product, { variants, nativeHalf }: Lowering): Program {
  const forms = product.over === "inputs" ? variants.product : variants.transposedProduct;
  return productProgram(product, forms[product.form.base], nativeHalf);
}
