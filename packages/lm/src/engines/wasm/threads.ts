/** The threads of a WASM engine: the calling one, and helpers that wait inside WebAssembly for command lists. */
import type { LinearMemory } from "./memory.ts";

/** What assembly/main.ts exports. */
export interface KernelExports {
  join(control: number, threads: number, index: number): void;
  run(list: number, end: number): void;
  runAlone(list: number, end: number): void;
  serve(): void;
  dismiss(): void;
}

/** What a helper needs to start; structured-cloneable. */
export interface HelperTask {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly control: number;
  readonly threads: number;
  readonly index: number;
}

/** Starts one helper; resolves when it is about to serve. It ends by itself when it is dismissed. */
export type StartHelper = (task: HelperTask) => Promise<void>;

/** Bytes of the control block (assembly/pool.ts), and where in it the threads' working memory is named. */
const CONTROL_BYTES = 320;
const SCRATCH_WORD = 67;

export class Threads {
  readonly count: number;
  private readonly memory: LinearMemory;
  private readonly kernels: KernelExports;
  private readonly control: number;

  private constructor(memory: LinearMemory, kernels: KernelExports, control: number, count: number) {
    this.memory = memory;
    this.kernels = kernels;
    this.control = control;
    this.count = count;
  }

  static async start(
    module: WebAssembly.Module,
    memory: LinearMemory,
    count: number,
    startHelper: StartHelper | null,
  ): Promise<Threads> {
    const control = memory.allocate(CONTROL_BYTES);
    memory.bytes(control, CONTROL_BYTES).fill(0);
    const kernels = await instantiateKernels(module, memory.memory);
    const threads = startHelper ? count : 1;
    kernels.join(control, threads, 0);
    const helpers = Array.from({ length: threads - 1 }, (_, i) =>
      startHelper?.({ module, memory: memory.memory, control, threads, index: i + 1 }),
    );
    await Promise.all(helpers);
    return new Threads(memory, kernels, control, threads);
  }

  /** Says where the threads' working memory lies: `bytes` for each, one after another, zeros at the start of each. */
  useScratch(address: number, bytes: number): void {
    this.memory.i32(this.control, CONTROL_BYTES / 4).set([address, bytes], SCRATCH_WORD);
    for (let thread = 0; thread < this.count; thread++)
      this.memory.bytes(address + thread * bytes, Math.min(bytes, 64)).fill(0);
  }

  /** @param alone whether the calling thread does it all */
  run(list: number, bytes: number, alone: boolean): void {
    if (alone) this.kernels.runAlone(list, list + bytes);
    else this.kernels.run(list, list + bytes);
  }

  dismiss(): void {
    this.kernels.dismiss();
  }
}

export async function instantiateKernels(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
): Promise<KernelExports> {
  const abort = (): never => {
    throw new Error("WASM: a kernel gave up");
  };
  const { exports } = await WebAssembly.instantiate(module, { env: { memory, abort } });
  return exports as unknown as KernelExports;
}
