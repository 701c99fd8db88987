/** What of a segment is needed at all, and which activations can share memory: decided before anything is allocated. */
import type { BufferId } from "../ops/buffer.ts";
import { accessesOf, type KernelCall } from "./kernel.ts";

/** The calls whose results reach something that outlives the segment, in their order. */
export function neededCalls(
  calls: readonly KernelCall[],
  isActivation: (buffer: BufferId) => boolean,
): readonly KernelCall[] {
  const wanted = new Set<BufferId>();
  const needed: KernelCall[] = [];
  for (const call of calls.toReversed()) {
    const accesses = accessesOf(call);
    const isNeeded = accesses.some(
      ({ buffer, mode }) => mode !== "read" && (!isActivation(buffer) || wanted.has(buffer)),
    );
    if (!isNeeded) continue;
    needed.push(call);
    for (const { buffer, mode } of accesses) if (mode === "write") wanted.delete(buffer);
    for (const { buffer, mode } of accesses) if (mode !== "write") wanted.add(buffer);
  }
  return needed.reverse();
}

/** Memory for activations: which slot each uses, and the slots' sizes in elements. Grown as segments are placed. */
export class Slots {
  readonly sizes: number[] = [];
  readonly of = new Map<BufferId, number>();

  /**
   * Places a segment's activations, first come first served: a buffer takes the smallest free slot that holds it, else
   * it widens the largest free one. A slot is free again after the stage of the last call that touches its buffer.
   * @param stageOf grows along the calls
   * @throws when a call reads an activation that nothing wrote: a fault of the plan
   */
  place(
    calls: readonly KernelCall[],
    isActivation: (buffer: BufferId) => boolean,
    sizeOf: (buffer: BufferId) => number,
    stageOf: (call: KernelCall) => number,
  ): void {
    const touched = calls.map((call) => accessesOf(call).filter(({ buffer }) => isActivation(buffer)));
    const stages = calls.map(stageOf);
    const lastStage = new Map<BufferId, number>();
    touched.forEach((accesses, at) => {
      for (const { buffer } of accesses) lastStage.set(buffer, stages[at] as number);
    });
    const free = new Set(this.sizes.keys());
    const live = new Set<BufferId>();
    touched.forEach((accesses, at) => {
      const stage = stages[at] as number;
      if (stage !== stages[at - 1])
        for (const buffer of live)
          if ((lastStage.get(buffer) as number) < stage && live.delete(buffer))
            free.add(this.of.get(buffer) as number);
      for (const { buffer, mode } of accesses) {
        if (live.has(buffer)) continue;
        if (mode !== "write")
          throw new Error(`plan: ${calls[at]?.kind} reads activation ${buffer} before anything wrote it`);
        this.of.set(buffer, this.take(free, sizeOf(buffer)));
        live.add(buffer);
      }
    });
  }

  private take(free: Set<number>, size: number): number {
    const bySize = [...free].sort((a, b) => (this.sizes[a] as number) - (this.sizes[b] as number));
    const slot = bySize.find((candidate) => (this.sizes[candidate] as number) >= size) ?? bySize.at(-1);
    if (slot === undefined) return this.sizes.push(size) - 1;
    free.delete(slot);
    this.sizes[slot] = Math.max(this.sizes[slot] as number, size);
    return slot;
  }
}
