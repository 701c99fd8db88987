/** The one linear memory of a WASM engine, and who has which bytes of it. */

const PAGE = 65_536;
/** A cache line; also room behind every block for kernels that read (never write) up to eight floats past an end. */
const ALIGNMENT = 64;
const SLACK = 64;
/** Largest memories to try, in pages. Shared memory reserves its maximum in address space, which phones may lack. */
const MAXIMA = [65_536, 32_768, 16_384, 8_192];

interface Gap {
  start: number;
  end: number;
}

export class LinearMemory {
  readonly memory: WebAssembly.Memory;
  /** Bytes that the memory may grow to. */
  readonly maximumBytes: number;
  /** Free stretches, ascending, never touching each other. */
  private readonly gaps: Gap[];
  private readonly taken = new Map<number, number>();
  private floats: Float32Array | null = null;

  constructor(isShared: boolean) {
    [this.memory, this.maximumBytes] = openMemory(isShared);
    // The first bytes stay unused, so that no address is 0.
    this.gaps = [{ start: ALIGNMENT, end: this.memory.buffer.byteLength }];
  }

  /** Address of that many bytes, a multiple of 64; their content is whatever was there. */
  allocate(bytes: number): number {
    const size = ALIGNMENT * Math.ceil((bytes + SLACK) / ALIGNMENT);
    let gap = this.gaps.find(({ start, end }) => end - start >= size);
    if (!gap) gap = this.grow(size);
    const address = gap.start;
    gap.start += size;
    if (gap.start === gap.end) this.gaps.splice(this.gaps.indexOf(gap), 1);
    this.taken.set(address, size);
    return address;
  }

  free(address: number): void {
    const size = this.taken.get(address);
    if (size === undefined) throw new Error(`memory: expected an allocated address, got ${address}`);
    this.taken.delete(address);
    this.give({ start: address, end: address + size });
  }

  /** All of the memory as floats. Views go stale when the memory grows: never keep one over an allocation. */
  f32(): Float32Array {
    if (this.floats?.buffer !== this.memory.buffer) this.floats = new Float32Array(this.memory.buffer);
    return this.floats;
  }

  /** `count` integers at an address. */
  i32(address: number, count: number): Int32Array {
    return new Int32Array(this.memory.buffer, address, count);
  }

  bytes(address: number, count: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, address, count);
  }

  private grow(size: number): Gap {
    const end = this.memory.buffer.byteLength;
    const last = this.gaps.at(-1);
    const start = last?.end === end ? last.start : end;
    try {
      this.memory.grow(Math.ceil((start + size - end) / PAGE));
    } catch (cause) {
      throw new Error(
        `WASM memory: expected room for ${size} more bytes, got ${end} in use of at most ${this.maximumBytes}`,
        { cause },
      );
    }
    this.give({ start: end, end: this.memory.buffer.byteLength });
    return this.gaps.at(-1) as Gap;
  }

  /** Adds a gap and joins it with its neighbours. */
  private give(gap: Gap): void {
    const at = this.gaps.findIndex(({ start }) => start > gap.start);
    const position = at < 0 ? this.gaps.length : at;
    const [before, after] = [this.gaps[position - 1], this.gaps[position]];
    if (after?.start === gap.end) {
      after.start = gap.start;
      if (before?.end === after.start) {
        after.start = before.start;
        this.gaps.splice(position - 1, 1);
      }
    } else if (before?.end === gap.start) before.end = gap.end;
    else this.gaps.splice(position, 0, gap);
  }
}

function openMemory(isShared: boolean): [WebAssembly.Memory, number] {
  for (const maximum of MAXIMA)
    try {
      return [new WebAssembly.Memory({ initial: 16, maximum, shared: isShared }), maximum * PAGE];
    } catch {
      // Not so much; try less.
    }
  throw new Error(`WASM memory: cannot reserve ${(MAXIMA.at(-1) ?? 0) * PAGE} bytes`);
}
