/**
 * The device worker: trainer and Socket.IO client live here, because browsers slow the main thread of a hidden page
 * down to one timer a second but leave its workers alone.
 */
import { createDevice, type ToWorker, toPlainError } from "@fedlodrop/device";

const post = (message: unknown): void => self.postMessage(message);
const handle = createDevice(post);

self.onmessage = (event: MessageEvent<ToWorker>) => handle(event.data);
self.addEventListener("unhandledrejection", (event) =>
  post({ kind: "failed", error: toPlainError(event.reason) }),
);
