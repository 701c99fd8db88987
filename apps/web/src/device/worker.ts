/**
 * The device worker: trainer and Socket.IO client live here, because browsers slow the main thread of a hidden page
 * down to one timer a second but leave its workers alone.
 *
 * This file holds nothing that another one imports. WebKit evaluates a worker's own file once more for a chunk that does, and a
 * second device, which has never joined, would take the page's messages.
 */
import type { ToWorker } from "@fedlodrop/device/page";

const device = import("@fedlodrop/device").then(({ createDevice, toPlainError }) => {
  const post = (message: unknown): void => self.postMessage(message);
  self.addEventListener("unhandledrejection", (event) =>
    post({ kind: "failed", error: toPlainError(event.reason) }),
  );
  return createDevice(post);
});

device.catch((error: unknown) =>
  self.postMessage({ kind: "failed", error: { name: "Error", message: String(error) } }),
);

self.onmessage = async (event: MessageEvent<ToWorker>) => (await device)(event.data);
