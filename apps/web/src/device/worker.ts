/**
 * The device worker: trainer and Socket.IO client live here, because browsers slow the main thread of a hidden page
 * down to one timer a second but leave its workers alone.
 */
import { createDevice, type ToWorker, toPlainError } from "@fedlodrop/device";
import plain from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url";
import simd from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url";
import threaded from "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url";

const tfjsWasm = {
  "tfjs-backend-wasm.wasm": plain,
  "tfjs-backend-wasm-simd.wasm": simd,
  "tfjs-backend-wasm-threaded-simd.wasm": threaded,
};

// WebKit evaluates a worker's own file once more for a chunk that imports it. There is one device all the same: a second, which has
// never joined, would take the page's messages.
if (self.onmessage === null) {
  const post = (message: unknown): void => self.postMessage(message);
  const handle = createDevice(post, { tfjsWasm });

  self.onmessage = (event: MessageEvent<ToWorker>) => handle(event.data);
  self.addEventListener("unhandledrejection", (event) =>
    post({ kind: "failed", error: toPlainError(event.reason) }),
  );
}
