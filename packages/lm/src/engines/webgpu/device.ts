/**
 * A WebGPU device whose failures are loud. WebGPU drops a dispatch whose shader is invalid and leaves a stale buffer as
 * its result, so a broken kernel looks like a fast one; here an uncaptured error or a lost device is kept, and every
 * pending and later call rejects with it.
 */
import { adapterName } from "../../trainer/device-check.ts";

/** The device's own one-line failure, and whether a new device can make it good. */
export class DeviceFailure extends Error {
  readonly isLoss: boolean;

  constructor(message: string, isLoss: boolean) {
    super(`WebGPU: ${message}`);
    this.name = "DeviceFailure";
    this.isLoss = isLoss;
  }
}

export interface WatchedDevice {
  readonly device: GPUDevice;
  readonly name: string;
  readonly subgroups: boolean;
  readonly half: boolean;
  readonly hasFailed: boolean;
  /** @throws the failure, once there is one */
  check(): void;
  /** `result`, unless the device fails first or has failed. Holds nothing after it settles. */
  orFailure<T>(result: Promise<T>): Promise<T>;
  /** Runs `work` inside error scopes; rejects with what they caught. */
  validated<T>(what: string, work: () => T): Promise<T>;
  /** Takes no more notice of the device; it is destroyed where it is ours. */
  dispose(): void;
}

/** @param shared a device to use in place of one of our own, such as tfjs's, so that buffers can be shared */
export async function openDevice(shared?: GPUDevice): Promise<WatchedDevice> {
  if (shared) return watchDevice(shared, deviceName(shared), false);
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) throw new Error("WebGPU: this browser gives no adapter; train with the wasm backend instead");
  const wanted = (["subgroups", "shader-f16"] as const).filter((feature) => adapter.features.has(feature));
  const { limits } = adapter;
  const device = await adapter.requestDevice({
    requiredFeatures: wanted,
    requiredLimits: {
      maxBufferSize: limits.maxBufferSize,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
    },
  });
  return watchDevice(device, adapterName(adapter.info), true);
}

function watchDevice(device: GPUDevice, name: string, isOurs: boolean): WatchedDevice {
  let failure: DeviceFailure | undefined;
  const waiting = new Set<(reason: DeviceFailure) => void>();
  const fail = (reason: DeviceFailure): void => {
    failure ??= reason;
    for (const reject of waiting) reject(failure);
    waiting.clear();
  };
  const onError = ({ error }: GPUUncapturedErrorEvent): void => fail(new DeviceFailure(error.message, false));
  device.addEventListener("uncapturederror", onError);
  void device.lost.then(({ reason, message }) =>
    fail(new DeviceFailure(`device lost (${reason}) ${message}`.trim(), true)),
  );
  const check = (): void => {
    if (failure) throw failure;
  };
  const orFailure = <T>(result: Promise<T>): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      if (failure) {
        result.catch(() => {});
        reject(failure);
        return;
      }
      waiting.add(reject);
      result
        .then(resolve, (error: unknown) => reject(failure ?? error))
        .finally(() => waiting.delete(reject));
    });
  return {
    device,
    name,
    subgroups: device.features.has("subgroups"),
    half: device.features.has("shader-f16"),
    get hasFailed() {
      return failure !== undefined;
    },
    check,
    orFailure,
    async validated(what, work) {
      check();
      const filters = ["out-of-memory", "internal", "validation"] as const;
      for (const filter of filters) device.pushErrorScope(filter);
      let result: ReturnType<typeof work>;
      let scopes: Promise<GPUError | null>[];
      try {
        result = work();
      } finally {
        scopes = filters.map(() => device.popErrorScope());
      }
      for (const error of await orFailure(Promise.all(scopes)))
        if (error) throw new DeviceFailure(`${what}: ${error.message}`, false);
      return result;
    },
    dispose() {
      device.removeEventListener("uncapturederror", onError);
      if (isOurs) device.destroy();
    },
  };
}

function deviceName(device: GPUDevice): string {
  const { adapterInfo } = device as { readonly adapterInfo?: GPUAdapterInfo };
  return adapterInfo ? adapterName(adapterInfo) : "unnamed adapter";
}
