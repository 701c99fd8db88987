/** The page's side of its device worker. */
import type { FromWorker, ToWorker } from "@fedlodrop/device/page";

export interface DeviceProxy {
  send(message: ToWorker): void;
  /** Nothing of it goes on, and nobody is told. */
  kill(): void;
}

/** Starts the worker; `onMessage` also hears of a worker that could not start. */
export function startDevice(onMessage: (message: FromWorker) => void): DeviceProxy {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "device" });
  worker.onmessage = (event: MessageEvent<FromWorker>) => onMessage(event.data);
  worker.onerror = (event) =>
    onMessage({
      kind: "failed",
      error: { name: "Error", message: event.message || "The device worker could not start." },
    });
  return { send: (message) => worker.postMessage(message), kill: () => worker.terminate() };
}
