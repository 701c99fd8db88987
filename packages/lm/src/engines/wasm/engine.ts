/** The WASM engine: weights, states and one arena in a linear memory; a segment is one call into WebAssembly. */
import type { BufferId, WeightName } from "../../ops/buffer.ts";
import type { Engine, EngineCapabilities, Execution, Plan } from "../../plan/engine.ts";
import type { KernelCall } from "../../plan/kernel.ts";
import { BASE_TYPES, type HostWeight, type WeightShape } from "../../plan/weight.ts";
import type { EngineDescription } from "../../trainer/engine-description.ts";
import { encodeSteps, type Places } from "./encode.ts";
import type { LinearMemory } from "./memory.ts";
import { mergeAdapters } from "./merge.ts";
import { isSmall, schedule } from "./schedule.ts";
import { type StoredWeight, storedBytes, storeWeight } from "./stored-weight.ts";
import type { Tabs } from "./tabs.ts";
import type { Threads } from "./threads.ts";
import { sharedBytes, threadBytes } from "./working-memory.ts";

/** When threads are worth their while. */
interface Sharing {
  readonly tabs: Tabs | null;
  /** As in WasmHost. */
  readonly smallestShared: number | undefined;
}

export class WasmEngine implements Engine {
  readonly description: EngineDescription;
  readonly capabilities: EngineCapabilities;
  private readonly memory: LinearMemory;
  private readonly threads: Threads;
  private readonly weights = new Map<WeightName, StoredWeight>();
  private readonly arena: Block;
  private readonly scratch: Block;
  private readonly shared: Block;
  private readonly sharing: Sharing;
  private failure: Error | null = null;

  constructor(memory: LinearMemory, threads: Threads, description: EngineDescription, sharing: Sharing) {
    this.sharing = sharing;
    this.memory = memory;
    this.threads = threads;
    this.description = description;
    this.capabilities = { bases: BASE_TYPES, availableBytes: memory.maximumBytes, largestBufferBytes: null };
    this.arena = new Block(memory);
    this.scratch = new Block(memory);
    this.shared = new Block(memory);
  }

  weightBytes(shape: WeightShape): number {
    return storedBytes(shape);
  }

  async upload(weight: HostWeight): Promise<void> {
    this.check();
    if (this.weights.has(weight.name))
      throw new Error(`engine: expected a new weight, got ${weight.name} again`);
    this.weights.set(weight.name, storeWeight(this.memory, weight));
  }

  async prepare(plan: Plan): Promise<Execution> {
    this.check();
    const calls = Object.values(plan.segments).flat();
    const perThread = 128 * Math.ceil(threadBytes(calls) / 128) + 128; // no two threads in one cache line
    this.arena.reserve(slotOffsets(plan).at(-1) as number);
    this.shared.reserve(sharedBytes(calls));
    if (this.scratch.reserve(perThread * this.threads.count))
      this.threads.useScratch(
        this.scratch.address,
        Math.floor(this.scratch.bytes / this.threads.count / 128) * 128,
      );
    return new WasmExecution(this, plan, this.memory);
  }

  /** Commands of a list of calls, with the addresses of this moment. @param place of buffers that are not in the arena */
  encode(
    { calls, alone }: Pick<Segment, "calls" | "alone">,
    plan: Plan,
    place: (id: BufferId) => number,
  ): Int32Array {
    const slots = slotOffsets(plan);
    const { calls: needed, merged } = mergeAdapters(calls, plan.buffers);
    const places: Places = {
      buffer: (id) => {
        const buffer = plan.buffers[id];
        if (!buffer) throw new Error(`plan: expected one of ${plan.buffers.length} buffers, got ${id}`);
        return buffer.slot === null ? place(id) : this.arena.address + (slots[buffer.slot] as number);
      },
      weight: (name) => {
        const weight = this.weights.get(name);
        if (!weight) throw new Error(`plan: expected an uploaded weight ${name}, got none`);
        return weight;
      },
      merged,
      shared: this.shared.address,
    };
    return encodeSteps(schedule(needed, plan.buffers, alone ? 1 : this.threads.count), places);
  }

  /** Whether waking other threads for these calls costs more than it brings. */
  isSmall(calls: readonly KernelCall[]): boolean {
    return isSmall(calls, this.sharing.smallestShared);
  }

  /** Whether the calling thread does calls alone, as of now. */
  worksAlone(isSmall: boolean): boolean {
    return this.threads.count === 1 || isSmall || (this.sharing.tabs?.isCrowded ?? false);
  }

  /** Changes whenever addresses do that encoded commands hold. */
  get layout(): string {
    return `${this.arena.address} ${this.shared.address}`;
  }

  execute({ address, bytes, alone }: Segment): void {
    this.check();
    try {
      this.threads.run(address, bytes, alone);
    } catch (cause) {
      this.failure = new Error(`WASM: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
      throw this.failure;
    }
  }

  dispose(): void {
    this.sharing.tabs?.leave();
    if (this.failure === null) this.threads.dismiss();
    this.failure = new Error("engine: it was disposed of");
    this.weights.clear();
  }

  check(): void {
    if (this.failure) throw this.failure;
  }
}

/** Where each slot lies in the arena, and where the last one ends. */
function slotOffsets({ slotBytes }: Plan): readonly number[] {
  const offsets = [0];
  for (const bytes of slotBytes) offsets.push((offsets.at(-1) as number) + 64 * Math.ceil((bytes + 32) / 64));
  return offsets;
}

/** A piece of memory that only grows, moving as it does. */
class Block {
  address = 0;
  bytes = 0;
  private readonly memory: LinearMemory;

  constructor(memory: LinearMemory) {
    this.memory = memory;
  }

  /** Whether it moved. */
  reserve(bytes: number): boolean {
    if (bytes <= this.bytes) return false;
    if (this.address > 0) this.memory.free(this.address);
    this.address = this.memory.allocate(bytes);
    this.bytes = bytes;
    return true;
  }
}

interface Segment {
  readonly calls: readonly KernelCall[];
  readonly isSmall: boolean;
  /** Whether its commands are for the calling thread alone. */
  readonly alone: boolean;
  /** Where the commands lie, and how long they are. */
  readonly address: number;
  readonly bytes: number;
  /** The engine's layout that they were encoded for. */
  layout: string;
}

class WasmExecution implements Execution {
  private readonly engine: WasmEngine;
  private readonly plan: Plan;
  private readonly memory: LinearMemory;
  private readonly segments: Map<string, Segment>;
  /** One block for all buffers outside the arena. */
  private readonly states: number;
  private readonly offsets: readonly number[];
  private isDisposed = false;

  constructor(engine: WasmEngine, plan: Plan, memory: LinearMemory) {
    this.engine = engine;
    this.plan = plan;
    this.memory = memory;
    let bytes = 0;
    this.offsets = plan.buffers.map(({ slot, size }) => {
      const offset = bytes;
      if (slot === null) bytes += 64 * Math.ceil((4 * size + 32) / 64);
      return offset;
    });
    this.states = memory.allocate(bytes);
    memory.bytes(this.states, bytes).fill(0);
    this.segments = new Map(Object.entries(plan.segments).map(([name, calls]) => [name, this.place(calls)]));
  }

  write(buffer: BufferId, values: Float32Array | Int32Array): void {
    this.check();
    const { name, kind, type, size } = this.described(buffer);
    const given = values instanceof Float32Array ? "f32" : "i32";
    if (kind === "activation" || type !== given || values.length > size)
      throw new Error(
        `write: expected at most ${size} ${type} values for ${kind} ${name}, got ${values.length} ${given}`,
      );
    const address = this.addressOf(buffer);
    if (values instanceof Float32Array) this.memory.f32().set(values, address / 4);
    else this.memory.i32(address, values.length).set(values);
  }

  async run(
    segment: string,
    reads: readonly BufferId[] = [],
  ): Promise<readonly (Float32Array | Int32Array)[]> {
    this.check();
    let placed = this.segments.get(segment);
    if (!placed)
      throw new Error(`run: expected one of ${[...this.segments.keys()].join(", ")}, got ${segment}`);
    if (placed.alone !== this.engine.worksAlone(placed.isSmall)) {
      this.memory.free(placed.address);
      placed = this.place(placed.calls);
      this.segments.set(segment, placed);
    }
    if (placed.layout !== this.engine.layout) this.encode(placed);
    this.engine.execute(placed);
    return reads.map((buffer) => this.read(buffer));
  }

  dispose(): void {
    if (this.isDisposed) return;
    this.isDisposed = true;
    this.memory.free(this.states);
    for (const { address } of this.segments.values()) this.memory.free(address);
  }

  private read(buffer: BufferId): Float32Array | Int32Array {
    const { name, kind, type, size } = this.described(buffer);
    if (kind === "activation")
      throw new Error(`read: expected an input, state or output, got activation ${name}`);
    const address = this.addressOf(buffer);
    return type === "f32"
      ? this.memory.f32().slice(address / 4, address / 4 + size)
      : Int32Array.from(this.memory.i32(address, size));
  }

  private place(calls: readonly KernelCall[]): Segment {
    const isSmall = this.engine.isSmall(calls);
    const alone = this.engine.worksAlone(isSmall);
    const commands = this.engine.encode({ calls, alone }, this.plan, (id) => this.addressOf(id));
    const address = this.memory.allocate(commands.byteLength);
    this.memory.i32(address, commands.length).set(commands);
    return { calls, isSmall, alone, address, bytes: commands.byteLength, layout: this.engine.layout };
  }

  /** Encodes anew after blocks of the engine have moved; commands keep their length. */
  private encode(segment: Segment): void {
    const commands = this.engine.encode(segment, this.plan, (id) => this.addressOf(id));
    this.memory.i32(segment.address, commands.length).set(commands);
    segment.layout = this.engine.layout;
  }

  private addressOf(buffer: BufferId): number {
    return this.states + (this.offsets[buffer] as number);
  }

  private described(buffer: BufferId): Plan["buffers"][number] {
    const described = this.plan.buffers[buffer];
    if (!described)
      throw new Error(`plan: expected one of ${this.plan.buffers.length} buffers, got ${buffer}`);
    return described;
  }

  private check(): void {
    if (this.isDisposed) throw new Error("execution: it was disposed of");
    this.engine.check();
  }
}
