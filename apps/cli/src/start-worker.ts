/** Starts a module as a worker thread, from sources as well as built. */
import { Worker } from "node:worker_threads";

/** @param module URL of the thread's module @param data its `workerData` */
export function startWorker(module: URL, data: object = {}): Worker {
  // Built JavaScript runs as it is; TypeScript needs a loader, which a thread does not inherit.
  const isSource = module.pathname.endsWith(".ts");
  return new Worker(isSource ? new URL("../bin/worker.mjs", import.meta.url) : module, {
    workerData: { ...data, module: module.href },
    // Nothing comes out of a thread but its messages: --json owns standard output.
    stdout: true,
  });
}
