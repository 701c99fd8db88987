/**
 * A plan on the device: its buffers, and for each segment a list of pipelines with their bind groups, made once. A run
 * records the list, submits once and reads once.
 */
import type { BufferId } from "../../ops/buffer.ts";
import type { Execution, Plan, PlanBuffer } from "../../plan/engine.ts";
import type { WatchedDevice } from "./device.ts";
import { type Lowering, lowerSegment } from "./lower.ts";
import type { Pipelines } from "./pipelines.ts";
import type { Operand, Program } from "./program.ts";

export interface PreparedWeight {
  readonly values: GPUBuffer;
  readonly scales: GPUBuffer | null;
}

export interface ExecutionParts {
  readonly watch: WatchedDevice;
  readonly pipelines: Pipelines;
  readonly lowering: Lowering;
  readonly weight: (name: string) => PreparedWeight;
  readonly onDispose: () => void;
}

interface Dispatch {
  readonly pipeline: GPUComputePipeline;
  readonly bindings: GPUBindGroup;
  readonly workgroups: Program["workgroups"];
}

/** Offsets of uniforms are multiples of this. */
const UNIFORM_ALIGNMENT = 256;

export async function prepareExecution(plan: Plan, parts: ExecutionParts): Promise<Execution> {
  const { watch, pipelines, lowering } = parts;
  const segments = Object.entries(plan.segments).map(
    ([name, calls]) => [name, lowerSegment(plan, calls, lowering)] as const,
  );
  const programs = segments.flatMap(([, list]) => list);
  await pipelines.compile(programs);
  return watch.validated("preparing a plan", () => new PreparedPlan(plan, segments, parts));
}

class PreparedPlan implements Execution {
  private readonly plan: Plan;
  private readonly watch: WatchedDevice;
  private readonly onDispose: () => void;
  private readonly owned: GPUBuffer[] = [];
  private readonly buffers: readonly GPUBuffer[];
  private readonly segments: ReadonlyMap<string, readonly Dispatch[]>;
  /** Segments that ran without an error scope's complaint. */
  private readonly proven = new Set<string>();
  private staging: GPUBuffer | undefined;

  constructor(
    plan: Plan,
    segments: readonly (readonly [name: string, programs: readonly Program[]])[],
    { watch, pipelines, weight, onDispose }: ExecutionParts,
  ) {
    this.plan = plan;
    this.watch = watch;
    this.onDispose = onDispose;
    const storage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    const slots = plan.slotBytes.map((bytes, slot) => this.allocate(`slot ${slot}`, bytes, storage));
    this.buffers = plan.buffers.map(({ name, size, slot }) =>
      slot === null ? this.allocate(name, 4 * size, storage) : (slots[slot] as GPUBuffer),
    );
    const programs = segments.flatMap(([, list]) => list);
    const scratch = this.allocateScratch(programs, storage);
    const sizes = this.writeSizes(programs);
    const bound = (operand: Operand): GPUBindingResource => {
      switch (operand.kind) {
        case "buffer": {
          const { size } = plan.buffers[operand.buffer] as PlanBuffer;
          return { buffer: this.buffers[operand.buffer] as GPUBuffer, size: 4 * size };
        }
        case "weight": {
          const { values, scales } = weight(operand.name);
          return { buffer: operand.part === "values" ? values : (scales as GPUBuffer) };
        }
        case "scratch":
          return { buffer: scratch[operand.number] as GPUBuffer, size: operand.bytes };
        default:
          return operand satisfies never;
      }
    };
    let at = 0;
    this.segments = new Map(
      segments.map(([name, list]) => [
        name,
        list.map((program): Dispatch => {
          const { pipeline, layout } = pipelines.of(program);
          const bindings = watch.device.createBindGroup({
            layout,
            entries: [
              {
                binding: 0,
                resource: { buffer: sizes, offset: UNIFORM_ALIGNMENT * at++, size: 4 * program.sizes.length },
              },
              ...program.bindings.map(({ operand }, i) => ({ binding: i + 1, resource: bound(operand) })),
            ],
          });
          return { pipeline, bindings, workgroups: program.workgroups };
        }),
      ]),
    );
  }

  write(buffer: BufferId, values: Float32Array | Int32Array): void {
    this.watch.check();
    this.watch.device.queue.writeBuffer(
      this.buffers[buffer] as GPUBuffer,
      0,
      values as Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>,
    );
  }

  async run(
    segment: string,
    reads: readonly BufferId[] = [],
  ): Promise<readonly (Float32Array | Int32Array)[]> {
    const dispatches = this.segments.get(segment);
    if (!dispatches)
      throw new Error(
        `plan: expected one of the segments ${[...this.segments.keys()].join(", ")}, got ${segment}`,
      );
    if (this.proven.has(segment)) {
      this.watch.check();
      this.submit(dispatches, reads);
    } else {
      await this.watch.validated(segment, () => this.submit(dispatches, reads));
      this.proven.add(segment);
    }
    if (reads.length === 0) {
      await this.watch.orFailure(this.watch.device.queue.onSubmittedWorkDone());
      return [];
    }
    return this.readBack(reads);
  }

  dispose(): void {
    for (const buffer of this.owned) buffer.destroy();
    this.owned.length = 0;
    this.onDispose();
  }

  private submit(dispatches: readonly Dispatch[], reads: readonly BufferId[]): void {
    const { device } = this.watch;
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    let current: GPUComputePipeline | undefined;
    for (const { pipeline, bindings, workgroups } of dispatches) {
      if (pipeline !== current) pass.setPipeline(pipeline);
      current = pipeline;
      pass.setBindGroup(0, bindings);
      pass.dispatchWorkgroups(workgroups[0], workgroups[1], workgroups[2]);
    }
    pass.end();
    if (reads.length > 0) {
      const staging = this.stagingOf(reads.reduce((bytes, id) => bytes + this.bytesOf(id), 0));
      let at = 0;
      for (const id of reads) {
        encoder.copyBufferToBuffer(this.buffers[id] as GPUBuffer, 0, staging, at, this.bytesOf(id));
        at += this.bytesOf(id);
      }
    }
    device.queue.submit([encoder.finish()]);
  }

  private async readBack(reads: readonly BufferId[]): Promise<(Float32Array | Int32Array)[]> {
    const staging = this.staging as GPUBuffer;
    const bytes = reads.reduce((sum, id) => sum + this.bytesOf(id), 0);
    await this.watch.orFailure(staging.mapAsync(GPUMapMode.READ, 0, bytes));
    const mapped = staging.getMappedRange(0, bytes);
    let at = 0;
    const results = reads.map((id) => {
      const { type, size } = this.plan.buffers[id] as PlanBuffer;
      const values =
        type === "i32"
          ? new Int32Array(mapped, at, size).slice()
          : new Float32Array(mapped, at, size).slice();
      at += this.bytesOf(id);
      return values;
    });
    staging.unmap();
    this.watch.check();
    return results;
  }

  private bytesOf(id: BufferId): number {
    return 4 * (this.plan.buffers[id] as PlanBuffer).size;
  }

  /** One buffer for all readbacks, as large as the largest so far. */
  private stagingOf(bytes: number): GPUBuffer {
    if (this.staging && this.staging.size >= bytes) return this.staging;
    this.staging?.destroy();
    this.staging = this.allocate("readback", bytes, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
    return this.staging;
  }

  private allocate(label: string, bytes: number, usage: GPUBufferUsageFlags): GPUBuffer {
    const buffer = this.watch.device.createBuffer({ label, size: Math.max(4, bytes), usage });
    this.owned.push(buffer);
    return buffer;
  }

  private allocateScratch(programs: readonly Program[], usage: GPUBufferUsageFlags): GPUBuffer[] {
    const bytes: number[] = [];
    for (const { bindings } of programs)
      for (const { operand } of bindings)
        if (operand.kind === "scratch")
          bytes[operand.number] = Math.max(bytes[operand.number] ?? 0, operand.bytes);
    return Array.from(bytes, (size, number) => this.allocate(`scratch ${number}`, size ?? 0, usage));
  }

  /** The numbers of all programs, each at a multiple of the alignment. */
  private writeSizes(programs: readonly Program[]): GPUBuffer {
    const words = new Uint32Array((Math.max(1, programs.length) * UNIFORM_ALIGNMENT) / 4);
    programs.forEach(({ sizes }, i) => {
      words.set(sizes, (i * UNIFORM_ALIGNMENT) / 4);
    });
    const buffer = this.allocate("sizes", words.byteLength, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
    this.watch.device.queue.writeBuffer(buffer, 0, words);
    return buffer;
  }
}
