/**
 * Which frozen products take the adapter into their weights. LoRA's second product adds u·Fᵀ to every row that a frozen
 * product has just written; where rows are many, the same sum is cheaper on the other side, as s·A′·B′ᵀ added to the
 * weights while they are unpacked (assembly/merge.ts): rows that left the first cache are not gone over again, and dropped
 * columns cost nothing. The choice depends on the whole call alone, so that all threads and bands compute the same bits. A product
 * that takes the adapter in reads factors and indices that accessesOf does not tell of it: nothing in a step writes them before
 * AdamW does, which comes after a barrier.
 */
import type { BufferId } from "../../ops/buffer.ts";
import type { Linear, LinearBackward } from "../../ops/linear.ts";
import type { LoraDown, LoraUp } from "../../ops/lora.ts";
import type { PlanBuffer } from "../../plan/engine.ts";
import { accessesOf, type KernelCall } from "../../plan/kernel.ts";

/** A frozen product's adapter: `down` names the factor on the side of its sum, `up` the one on the side of its result. */
export interface Merged {
  readonly down: LoraDown;
  readonly up: LoraUp;
}

export interface MergedCalls {
  /** Without the products of LoRA that became needless. */
  readonly calls: readonly KernelCall[];
  readonly merged: ReadonlyMap<KernelCall, Merged>;
}

/** Kept indices on the side of the sum, a row, up to which merging is the cheaper way. */
const MOST_KEPT_A_ROW = 1.5;

export function mergeAdapters(calls: readonly KernelCall[], buffers: readonly PlanBuffer[]): MergedCalls {
  const merged = new Map<KernelCall, Merged>();
  const needless = new Set<KernelCall>();
  /** Where each buffer was last set. */
  const setAt = new Map<BufferId, number>();
  calls.forEach((call, at) => {
    if (call.kind === "lora-up") {
      const product = setAt.get(call.y) ?? at;
      const site = siteOf(calls, product, setAt.get(call.u) ?? at, at);
      if (site !== null) {
        merged.set(calls[product] as KernelCall, site);
        needless.add(call);
      }
    }
    for (const { buffer, mode } of accessesOf(call)) if (mode === "write") setAt.set(buffer, at);
  });
  const read = new Set(
    calls
      .filter((call) => !needless.has(call))
      .flatMap((call) => accessesOf(call).flatMap(({ buffer, mode }) => (mode === "write" ? [] : [buffer]))),
  );
  for (const { down } of merged.values())
    if (!read.has(down.out) && buffers[down.out]?.kind === "activation") needless.add(down);
  return { calls: calls.filter((call) => !needless.has(call)), merged };
}

/** The adapter of the product at `productAt`, if it may be merged and that is the cheaper way. */
function siteOf(
  calls: readonly KernelCall[],
  productAt: number,
  downAt: number,
  upAt: number,
): Merged | null {
  const [product, down, up] = [calls[productAt], calls[downAt], calls[upAt]];
  if (product?.kind !== "linear" && product?.kind !== "linear-backward") return null;
  if (down?.kind !== "lora-down" || up?.kind !== "lora-up") return null;
  if (down.x !== inputOf(product) || outputOf(product) !== up.y || product.rows !== down.rows) return null;
  if (down.kept > MOST_KEPT_A_ROW * product.rows) return null;
  const fixed = [down.x, down.factor.buffer, down.indices.buffer, up.factor.buffer, up.indices.buffer];
  const isSame = calls
    .slice(Math.min(productAt, downAt), upAt)
    .every((call) =>
      accessesOf(call).every(
        ({ buffer, mode }) =>
          call === product || (buffer !== up.y && (mode === "read" || !fixed.includes(buffer))),
      ),
    );
  return isSame ? { down, up } : null;
}

const inputOf = (product: Linear | LinearBackward): BufferId =>
  product.kind === "linear" ? product.x : product.dy;

const outputOf = (product: Linear | LinearBackward): BufferId =>
  product.kind === "linear" ? product.out : product.dx;
