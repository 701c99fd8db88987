/** Opens WebGPU for this process: one device, its compiled programs, and the kernels that are fastest on it. */
import type { Engine } from "../../plan/engine.ts";
import { openDevice } from "./device.ts";
import { createEngineOn, type OpenDevice } from "./engine.ts";
import { openPipelines } from "./pipelines.ts";
import { openProbe, type Probe } from "./probe.ts";
import { recoverable } from "./recovery.ts";

/** What the engines of a process share. */
export interface WebgpuRuntime extends OpenDevice {
  readonly probe: Probe;
}

/**
 * @param shared a device to use in place of one of our own (device.ts)
 * @param before a runtime whose device failed: what it measured holds for the next one
 */
export async function openRuntime(shared?: GPUDevice, before?: WebgpuRuntime): Promise<WebgpuRuntime> {
  const watch = await openDevice(shared);
  const pipelines = openPipelines(watch);
  return { watch, pipelines, probe: openProbe(watch, pipelines, before?.probe) };
}

/** An engine whose kernels are measured when a plan first needs them. */
export function createWebgpuEngine({ probe, ...open }: WebgpuRuntime): Engine {
  return createEngineOn(open, (keys) => probe.choose(keys), probe.measured);
}

let current: Promise<WebgpuRuntime> | undefined;

/** The process's runtime; a new one once its device has failed. */
export async function currentRuntime(): Promise<WebgpuRuntime> {
  current ??= openRuntime();
  const runtime = await current.catch((error: unknown) => {
    current = undefined;
    throw error;
  });
  if (!runtime.watch.hasFailed) return runtime;
  runtime.watch.dispose();
  current = openRuntime(undefined, runtime);
  return current;
}

/** @param upload loads all weights onto an engine, again after a lost device; null: a loss is fatal */
export async function openWebgpuEngine(upload: ((engine: Engine) => Promise<void>) | null): Promise<Engine> {
  const open = async (): Promise<Engine> => createWebgpuEngine(await currentRuntime());
  return upload === null ? open() : recoverable({ open, upload });
}
