/**
 * tfjs's WebGPU backend with kernels chosen for the adapter, and with its failures made loud. On its own WebGPU drops
 * a dispatch whose shader is invalid and leaves a recycled buffer as the result, so a broken kernel looks like a
 * fast one; here every first use of our programs is validated, any uncaptured error or lost device is fatal, and a
 * pending or later read rejects.
 */

import * as tf from "@tensorflow/tfjs";
import { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { adapterName } from "../../trainer/device-check.ts";
import type { KernelChoice } from "../../trainer/engine-description.ts";
import { yieldToEvents } from "../../trainer/yield-to-events.ts";
import type { Engine } from "./engine.ts";
import type { RunProgram } from "./webgpu-kernels.ts";
import { chooseKernels } from "./webgpu-probe.ts";

let opened: Promise<Engine> | undefined;

/** Opens once per process: tfjs has one WebGPU device and one kernel registry. */
export function openWebgpu(): Promise<Engine> {
  opened ??= open().catch((error: unknown) => {
    opened = undefined; // another try may find what was missing
    throw error;
  });
  return opened;
}

async function open(): Promise<Engine> {
  const started = await tf.setBackend("webgpu").catch(() => false);
  const backend = started ? tf.backend() : undefined;
  if (!(backend instanceof WebGPUBackend))
    throw new Error("WebGPU: this browser gives no device; train with the wasm backend instead");
  const watch = watchDevice(backend.device);
  const kernels: KernelChoice[] = await watch.orFailure(chooseKernels(backend, validatedRun(backend, watch)));
  return {
    description: { backend: "webgpu", device: deviceName(backend.device), kernels },
    run: async (work) => {
      await tf.setBackend("webgpu");
      try {
        return await watch.orFailure(work());
      } catch (error) {
        // On a failed device operations throw all sorts of things; the failure itself is what to tell.
        await watch.orFailure(yieldToEvents());
        throw error;
      }
    },
    read: async (tensor) => {
      const values = await tensor.data();
      tensor.dispose();
      await watch.settled();
      return values as Float32Array;
    },
  };
}

/** A device's failure as a promise that only ever rejects, and the validations still under way. */
export interface DeviceWatch {
  /** `result`, unless the device fails first or has failed already. */
  orFailure<T>(result: Promise<T>): Promise<T>;
  /** Waits for a validation's verdict before results are believed. */
  expect(validation: Promise<GPUError | null>, program: string): void;
  settled(): Promise<void>;
}

export function watchDevice(device: GPUDevice): DeviceWatch {
  let failure: Error | undefined;
  /** Rejections of the calls under way. A race against one lasting promise would keep every result that ever ran in it. */
  const pending = new Set<(reason: Error) => void>();
  const fail = (reason: Error): void => {
    failure ??= reason;
    for (const reject of pending) reject(failure);
    pending.clear();
  };
  void device.lost.then(({ reason, message }) =>
    fail(new Error(`WebGPU: device lost (${reason}) ${message}`)),
  );
  device.addEventListener("uncapturederror", ({ error }) => fail(new Error(`WebGPU: ${error.message}`)));

  let validations: Promise<void>[] = [];
  const orFailure = <T>(result: Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      if (failure) {
        result.catch(() => {}); // the failure is what to tell
        reject(failure);
        return;
      }
      pending.add(reject);
      result.then(resolve, reject).finally(() => pending.delete(reject));
    });
  return {
    orFailure,
    expect(validation, program) {
      validations.push(
        validation.then((error) => {
          if (error) fail(new Error(`WebGPU: invalid program ${program}: ${error.message}`));
        }),
      );
    },
    async settled() {
      const pending = validations;
      validations = [];
      await orFailure(Promise.all(pending));
    },
  };
}

/** Runs programs, each kind for the first time inside a validation scope. */
export function validatedRun(backend: WebGPUBackend, watch: DeviceWatch): RunProgram {
  const validated = new Set<string>();
  return ({ program, uniforms }, inputs) => {
    const { shaderKey } = program;
    const run = (): tf.TensorInfo =>
      backend.runWebGPUProgram(
        program,
        [...inputs],
        "float32",
        uniforms.map((value) => ({ type: "int32", data: [value] })),
      );
    if (validated.has(shaderKey)) return run();
    validated.add(shaderKey);
    backend.device.pushErrorScope("validation");
    const output = run();
    watch.expect(backend.device.popErrorScope(), shaderKey);
    return output;
  };
}

function deviceName(device: GPUDevice): string {
  const { adapterInfo } = device as { readonly adapterInfo?: GPUAdapterInfo };
  return adapterInfo ? adapterName(adapterInfo) : "unnamed adapter";
}
