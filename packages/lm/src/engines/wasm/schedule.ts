/**
 * Which calls threads share piece by piece, with a barrier after each, and which lists of calls a thread carries out
 * alone. A small model's calls are shorter than what a barrier costs. Most of them go row by row, and attention stays
 * within a sequence; so a thread takes some of the batch's sequences through many calls in a row. Gradients of LoRA's
 * factors are sums over all rows, but independent of each other. No sum is split in another way than by one thread, so
 * results have the same bits.
 */
import type { LoraGradient } from "../../ops/lora.ts";
import type { PlanBuffer } from "../../plan/engine.ts";
import { accessesOf, type KernelCall } from "../../plan/kernel.ts";
import { products } from "../../plan/work.ts";

/** Sequences [first, end) of a batch of `of`, each of `length` rows. */
export interface Band {
  readonly first: number;
  readonly end: number;
  readonly of: number;
  readonly length: number;
}

/** What one thread does alone. @property band null: all rows */
export interface Task {
  readonly calls: readonly KernelCall[];
  readonly band: Band | null;
}

export type Step =
  | { readonly kind: "together"; readonly call: KernelCall }
  | { readonly kind: "apart"; readonly tasks: readonly Task[] };

/** Multiply-adds of a call, on average, below which waking another thread costs more than it brings. */
const SMALLEST_SHARED = 1 << 18;
/** Multiply-adds of the largest product above which a barrier is cheap and weights are better unpacked once for all rows. */
const LARGEST_BANDED = 1 << 25;
/** Of the threads' time, what bands may leave idle at their end. */
const MOST_IDLE = 0.25;
/** Kept columns of a gradient that make a task. */
const GRADIENT_COLUMNS = 64;

/** Whether the calling thread does better without the others. */
export function isSmall(calls: readonly KernelCall[], smallestShared = SMALLEST_SHARED): boolean {
  return calls.reduce((sum, call) => sum + products(call), 0) < smallestShared * calls.length;
}

export function schedule(
  calls: readonly KernelCall[],
  buffers: readonly PlanBuffer[],
  threads: number,
): readonly Step[] {
  const bands = bandsOf(calls, threads);
  if (bands === null) return calls.map((call) => ({ kind: "together", call }));
  const steps: Step[] = [];
  let rowwise: KernelCall[] = [];
  let gradients: LoraGradient[] = [];
  /** Whose rows lie in a slot; another buffer's rows of other sequences may lie in the same bytes. */
  let holders = new Map<number, number>();

  const flush = (): void => {
    const [only, second] = rowwise;
    if (only && second) steps.push({ kind: "apart", tasks: bands.map((band) => ({ calls: rowwise, band })) });
    else if (only) steps.push({ kind: "together", call: only });
    if (gradients.length > 0) steps.push({ kind: "apart", tasks: gradients.flatMap(gradientTasks) });
    [rowwise, gradients, holders] = [[], [], new Map()];
  };
  for (const call of calls) {
    if (call.kind === "lora-gradient") {
      if (rowwise.length > 0) flush();
      gradients.push(call);
      continue;
    }
    const own = accessesOf(call).flatMap(({ buffer }) => {
      const slot = buffers[buffer]?.slot ?? null;
      return slot === null ? [] : [[slot, buffer] as const];
    });
    const collides = own.some(([slot, buffer]) => (holders.get(slot) ?? buffer) !== buffer);
    if (gradients.length > 0 || collides || !isRowwise(call, bands[0] as Band)) flush();
    if (!isRowwise(call, bands[0] as Band)) steps.push({ kind: "together", call });
    else {
      rowwise.push(call);
      for (const [slot, buffer] of own) holders.set(slot, buffer);
    }
  }
  flush();
  return steps;
}

/** Whole sequences for each thread; null where they do not divide well, or calls are long enough to be shared. */
function bandsOf(calls: readonly KernelCall[], threads: number): readonly Band[] | null {
  const attention = calls.find((call) => call.kind === "attention");
  if (attention === undefined || threads === 1) return null;
  const { batch, length } = attention;
  // Two for each thread, so that one which is held up takes fewer.
  const count = Math.min(batch, 2 * threads);
  const idle = 1 - count / (threads * Math.ceil(count / threads));
  if (idle > MOST_IDLE || Math.max(...calls.map(products)) > LARGEST_BANDED) return null;
  const start = (band: number): number => Math.floor((band * batch) / count);
  return Array.from({ length: count }, (_, i) => ({ first: start(i), end: start(i + 1), of: batch, length }));
}

/** Whether a sequence's rows of all that the call writes depend on that sequence's rows alone. */
function isRowwise(call: KernelCall, { of, length }: Band): boolean {
  switch (call.kind) {
    case "attention":
    case "attention-backward":
      return call.batch === of && call.length === length;
    case "embed":
    case "layer-norm":
    case "layer-norm-backward":
    case "rms-norm":
    case "rms-norm-backward":
    case "linear":
    case "linear-backward":
    case "lora-down":
    case "lora-up":
    case "rotary":
      return call.rows === of * length;
    case "activation":
    case "activation-backward":
    case "gated":
    case "gated-backward":
    case "add":
      return call.size % (of * length) === 0;
    default:
      return false;
  }
}

/** The call on a band's sequences alone. */
export function withinBand(call: KernelCall, { first, end, of, length }: Band): KernelCall {
  if ("batch" in call) return { ...call, batch: end - first };
  if ("rows" in call) return { ...call, rows: (end - first) * length };
  return { ...call, size: (call.size / of) * (end - first) } as KernelCall;
}

/** A gradient by groups of kept columns. */
function gradientTasks(call: LoraGradient): readonly Task[] {
  const { indices, gradient, kept, rank } = call;
  return Array.from({ length: Math.ceil(kept / GRADIENT_COLUMNS) }, (_, i) => {
    const from = i * GRADIENT_COLUMNS;
    const part: LoraGradient = {
      ...call,
      kept: Math.min(GRADIENT_COLUMNS, kept - from),
      indices: { ...indices, offset: indices.offset + from },
      gradient: { ...gradient, offset: gradient.offset + from * rank },
    };
    return { calls: [part], band: null };
  });
}
