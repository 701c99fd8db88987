/** What the WASM engine needs of a browser. */
import type { KernelBuild } from "./build.ts";
import type { WasmHost } from "./open.ts";
import { joinTabs } from "./tabs.ts";
import type { HelperTask } from "./threads.ts";

/** Beyond this many threads a step of the models that fit here gains nothing. */
const MOST_THREADS = 8;

const URLS: Readonly<Record<string, URL>> = {
  "kernels-relaxed-threads.wasm": new URL("./kernels-relaxed-threads.wasm", import.meta.url),
  "kernels-plain-threads.wasm": new URL("./kernels-plain-threads.wasm", import.meta.url),
  "kernels-relaxed.wasm": new URL("./kernels-relaxed.wasm", import.meta.url),
  "kernels-plain.wasm": new URL("./kernels-plain.wasm", import.meta.url),
};

export function browserHost(): WasmHost {
  // Memory can be shared where the page is isolated, and a thread may wait anywhere but on a page's main thread.
  const canShare = globalThis.crossOriginIsolated === true && typeof document === "undefined";
  return {
    threads: canShare ? Math.min(MOST_THREADS, navigator.hardwareConcurrency) : 1,
    // Pages that are not served over HTTPS or from this machine have no locks, nor shared memory.
    ...(navigator.locks && { joinTabs: () => joinTabs(navigator.locks, navigator.hardwareConcurrency) }),
    loadKernels,
    startHelper,
  };
}

async function loadKernels(build: KernelBuild): Promise<WebAssembly.Module> {
  const url = URLS[build.file] as URL;
  const response = await fetch(url);
  if (!response.ok) throw new Error(`WASM: expected kernels at ${url}, got status ${response.status}`);
  return WebAssembly.compile(await response.arrayBuffer());
}

function startHelper(task: HelperTask): Promise<void> {
  const worker = new Worker(new URL("./helper.ts", import.meta.url), { type: "module" });
  return new Promise((resolve, reject) => {
    worker.onmessage = () => resolve();
    worker.onerror = ({ message }) => reject(new Error(`WASM: a helper thread failed to start: ${message}`));
    worker.postMessage(task);
  });
}
