/**
 * The device worker: trainer and Socket.IO client live here, because browsers slow the main thread of a hidden page
 * down to one timer a second but leave its workers alone.
 */
import { createDevice, type ToWorker, toPlainError } from "@fedlodrop/device";

// WebKit evaluates a worker's own file once more for a chunk that imports it. There is one device all the same: a second, which has
// never joined, would take the page's messages.
if (self.onmessage === null) {
  const post = (message: unknown): void => self.postMessage(message);
  const handle = createDevice(post);

  self.onmessage = (event: MessageEvent<ToWorker>) => handle(event.data);
  self.addEventListener("unhandledrejection", (event) =>
    post({ kind: "failed", error: toPlainError(event.reason) }),
  );
}
