/** The WebGPU engine: our own WGSL on a device, with the kernels that were chosen for it. */
import type { WeightName } from "../../ops/buffer.ts";
import type { Engine, Execution } from "../../plan/engine.ts";
import { BASE_TYPES } from "../../plan/weight.ts";
import type { KernelChoice } from "../../trainer/engine-description.ts";
import { type ProbeKey, probeKeys } from "./choices.ts";
import type { WatchedDevice } from "./device.ts";
import { type PreparedWeight, prepareExecution } from "./execution.ts";
import type { MatrixForm } from "./kernels/product.ts";
import type { Pipelines } from "./pipelines.ts";
import type { KernelVariants } from "./variants.ts";
import { storedBytes, storeWeight, type WeightForm } from "./weights.ts";

/** A device with its compiled programs. */
export interface OpenDevice {
  readonly watch: WatchedDevice;
  readonly pipelines: Pipelines;
}

interface HeldWeight extends PreparedWeight {
  readonly form: WeightForm;
}

/** @param choose the kernels for a plan that depends on these choices; `kernels` says what it chose so far */
export function createEngineOn(
  { watch, pipelines }: OpenDevice,
  choose: (keys: Iterable<ProbeKey>) => Promise<KernelVariants>,
  kernels: readonly KernelChoice[],
): Engine {
  const weights = new Map<WeightName, HeldWeight>();
  const executions = new Set<Execution>();
  const held = (name: WeightName): HeldWeight => {
    const weight = weights.get(name);
    if (!weight) throw new Error(`plan: expected weight ${name} to be uploaded`);
    return weight;
  };
  const matrix = (name: WeightName): MatrixForm => {
    const { form } = held(name);
    if (form.kind !== "matrix") throw new Error(`plan: expected ${name} to be a matrix, got a vector`);
    return form;
  };
  const upload = (label: string, values: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>): GPUBuffer => {
    const buffer = watch.device.createBuffer({
      label,
      size: Math.max(16, values.byteLength),
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
    });
    watch.device.queue.writeBuffer(buffer, 0, values);
    return buffer;
  };
  return {
    description: { backend: "webgpu", device: watch.name, kernels },
    // A browser does not say how much memory a GPU has; how much of it one buffer may be, it does.
    capabilities: {
      bases: BASE_TYPES,
      availableBytes: null,
      largestBufferBytes: Math.min(
        watch.device.limits.maxBufferSize,
        watch.device.limits.maxStorageBufferBindingSize,
      ),
    },
    weightBytes: storedBytes,
    async upload(weight) {
      if (weights.has(weight.name)) throw new Error(`weights: expected ${weight.name} once, got it again`);
      const { values, scales } = storeWeight(weight);
      const prepared = await watch.validated(`weight ${weight.name}`, () => ({
        values: upload(weight.name, values),
        scales: scales && upload(`scales of ${weight.name}`, scales),
      }));
      const form: WeightForm =
        weight.kind === "vector"
          ? { kind: "vector", size: weight.values.length }
          : {
              kind: "matrix",
              base: weight.base,
              inFeatures: weight.inFeatures,
              outFeatures: weight.outFeatures,
            };
      weights.set(weight.name, { ...prepared, form });
    },
    async prepare(plan) {
      const calls = Object.values(plan.segments).flat();
      const variants = await choose(probeKeys(calls, (name) => matrix(name).base));
      const execution = await prepareExecution(plan, {
        watch,
        pipelines,
        lowering: { variants, nativeHalf: watch.half, matrix },
        weight: held,
        onDispose: () => executions.delete(execution),
      });
      executions.add(execution);
      return execution;
    },
    dispose() {
      for (const execution of [...executions]) execution.dispose();
      for (const { values, scales } of weights.values()) {
        values.destroy();
        scales?.destroy();
      }
      weights.clear();
    },
  };
}
