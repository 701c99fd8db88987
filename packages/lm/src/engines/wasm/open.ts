/** Opens the WASM engine: picks the build, the number of threads, and says so. */
import type { Engine } from "../../plan/engine.ts";
import { type KernelBuild, pickBuild } from "./build.ts";
import { WasmEngine } from "./engine.ts";
import { LinearMemory } from "./memory.ts";
import type { Tabs } from "./tabs.ts";
import { type StartHelper, Threads } from "./threads.ts";

/** What differs between a browser and Node. */
export interface WasmHost {
  /** Threads to use; 1 where memory cannot be shared. */
  readonly threads: number;
  /** Multiply-adds of a call, on average, below which one thread carries out a whole segment; schedule.ts says how many
   *  unless told otherwise. */
  readonly smallestShared?: number;
  /** Counts the engine among those that share the cores; Node's threads are told how many they are. */
  joinTabs?(): Promise<Tabs>;
  loadKernels(build: KernelBuild): Promise<WebAssembly.Module>;
  readonly startHelper: StartHelper;
}

/** @throws one line when the browser lacks what the kernels need */
export async function openWasmEngine(
  host: WasmHost,
  build: KernelBuild = pickBuild(host.threads > 1),
): Promise<Engine> {
  const module = await host.loadKernels(build);
  const memory = new LinearMemory(build.isThreaded);
  // A page that may have no locks, as in a sandboxed frame, shares nothing.
  const tabs = (await host.joinTabs?.().catch(() => null)) ?? null;
  const wanted = Math.min(host.threads, tabs?.fairShare ?? host.threads);
  const started = Threads.start(module, memory, wanted, build.isThreaded ? host.startHelper : null);
  const threads = await started.catch((error: unknown) => {
    tabs?.leave();
    throw error;
  });
  const simd = build.isRelaxed ? "relaxed SIMD" : "SIMD";
  const count = threads.count === 1 ? "one thread" : `${threads.count} threads`;
  const description = { backend: "wasm", device: `WebAssembly, ${simd}, ${count}`, kernels: [] } as const;
  return new WasmEngine(memory, threads, description, { tabs, smallestShared: host.smallestShared });
}
