/**
 * What a back end is: it holds frozen weights, prepares plans and runs their kernel calls. Contract: engine.contract.ts.
 * Anything that fails, an invalid shader and a lost device included, rejects the pending call and every later one.
 */
import type { BufferId, ElementType } from "../ops/buffer.ts";
import type { EngineDescription } from "../trainer/engine-description.ts";
import type { KernelCall } from "./kernel.ts";
import type { BaseType, HostWeight, WeightShape } from "./weight.ts";

export interface PlanBuffer {
  readonly name: string;
  /**
   * `input`: the host writes it. `state`: lives from run to run (trained values, moments, caches); zero at first.
   * `output`: the host reads it. `activation`: undefined before the call that writes it in the same run.
   * The host may write and read all but activations.
   */
  readonly kind: "input" | "state" | "output" | "activation";
  readonly type: ElementType;
  /** Elements; four bytes each. */
  readonly size: number;
  /** Activations: the piece of memory they use from its first byte on, one buffer at a time; null for the others. */
  readonly slot: number | null;
}

/** Kernel calls over one table of buffers. Segments share state and inputs; no activation lives from one to another. */
export interface Plan {
  readonly buffers: readonly PlanBuffer[];
  readonly segments: Readonly<Record<string, readonly KernelCall[]>>;
  /** Bytes of each slot. No call writes to a slot that it reads from, unless it updates one buffer in place. */
  readonly slotBytes: readonly number[];
  /** Bytes of all slots and of all other buffers: what `prepare` allocates beside an engine's own scratch. */
  readonly totalBytes: number;
}

export interface EngineCapabilities {
  readonly bases: readonly BaseType[];
  /** Bytes that weights, arena and states may take together; null where the engine cannot know. */
  readonly availableBytes: number | null;
  /** Bytes of the largest single buffer that it can hold; null where nothing but the whole limits it. */
  readonly largestBufferBytes: number | null;
}

export interface Engine {
  readonly description: EngineDescription;
  readonly capabilities: EngineCapabilities;
  /** Bytes that the engine's form of a weight takes, padding and scales included. */
  weightBytes(shape: WeightShape): number;
  /** Takes in a weight and keeps no reference to the host's arrays; a name can be taken once. */
  upload(weight: HostWeight): Promise<void>;
  /** Allocates and encodes once; a run then allocates nothing. All weights that the plan names are uploaded before. */
  prepare(plan: Plan): Promise<Execution>;
  /** Frees weights and every execution. */
  dispose(): void;
}

/** A prepared plan. Executions of one engine run one at a time and may share the memory of their activations. */
export interface Execution {
  /** From element 0 on; takes effect before the next run. `values` has the buffer's type and at most its size. */
  write(buffer: BufferId, values: Float32Array | Int32Array): void;
  /** Runs a segment's calls in order, then reads buffers: one submission and one readback. */
  run(segment: string, reads?: readonly BufferId[]): Promise<readonly (Float32Array | Int32Array)[]>;
  dispose(): void;
}
