/** Collects buffers and calls, and makes a plan of them. */
import type { BufferId, ElementType } from "../ops/buffer.ts";
import type { Plan, PlanBuffer } from "./engine.ts";
import { accessesOf, type KernelCall } from "./kernel.ts";
import { neededCalls, Slots } from "./lifetimes.ts";

type Declared = Omit<PlanBuffer, "slot">;

export class PlanBuilder {
  private readonly buffers: Declared[] = [];
  private readonly segments = new Map<string, KernelCall[]>();
  private current: KernelCall[] = [];
  /** The stage that a call belongs to. */
  private readonly stages = new Map<KernelCall, number>();
  private stageNumber = 0;
  private isEachCallAStage = false;

  buffer(kind: PlanBuffer["kind"], name: string, size: number, type: ElementType = "f32"): BufferId {
    if (!Number.isSafeInteger(size) || size < 1)
      throw new Error(`plan: expected buffer ${name} to have at least one element, got ${size}`);
    return this.buffers.push({ kind, name, type, size }) - 1;
  }

  activation(name: string, size: number): BufferId {
    return this.buffer("activation", name, size);
  }

  /** Calls emitted from now on belong to this segment. */
  begin(segment: string): void {
    this.current = [];
    this.endStage();
    this.segments.set(segment, this.current);
  }

  emit(call: KernelCall): void {
    for (const { buffer, elements } of accessesOf(call)) {
      const declared = this.buffers[buffer];
      if (declared === undefined || declared.size < elements)
        throw new Error(
          `plan: ${call.kind} expects ${elements} elements of ${declared?.name ?? `buffer ${buffer}`}, got ${declared?.size ?? "none"}`,
        );
    }
    this.stages.set(call, this.stageNumber);
    this.current.push(call);
    if (this.isEachCallAStage) this.endStage();
  }

  /**
   * Ends a stage: what was made in it keeps its memory to itself until here. Within a stage an engine may carry calls out
   * in another order, or some rows of one call after all rows of the next.
   */
  endStage(): void {
    this.stageNumber++;
  }

  /** From now on a stage is one call: the least memory, and an order that is fixed. */
  shortenStages(): void {
    this.isEachCallAStage = true;
  }

  build(): Plan {
    const isActivation = (id: BufferId): boolean => this.buffers[id]?.kind === "activation";
    const slots = new Slots();
    const segments: Record<string, readonly KernelCall[]> = {};
    for (const [name, calls] of this.segments) {
      const needed = neededCalls(calls, isActivation);
      slots.place(
        needed,
        isActivation,
        (id) => (this.buffers[id] as Declared).size,
        (call) => this.stages.get(call) as number,
      );
      segments[name] = needed;
    }
    const slotBytes = slots.sizes.map((size) => 4 * size);
    const buffers = this.buffers.map((buffer, id) => ({ ...buffer, slot: slots.of.get(id) ?? null }));
    const lasting = buffers.reduce((sum, { kind, size }) => sum + (kind === "activation" ? 0 : 4 * size), 0);
    return {
      // Activations of calls that proved needless have no slot and no use.
      buffers: buffers.map((buffer) =>
        buffer.kind === "activation" && buffer.slot === null ? { ...buffer, size: 0 } : buffer,
      ),
      segments,
      slotBytes,
      totalBytes: slotBytes.reduce((sum, bytes) => sum + bytes, lasting),
    };
  }
}
