/** A device's thread in Node: trainer and connection, as in a page's worker. */
import { totalmem } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import { createDevice, type ToWorker, toPlainError } from "@fedlodrop/device";
import { nodeHost } from "@fedlodrop/lm/node";
import { provideGpu } from "./gpu.ts";
import { processSeconds, threadSeconds } from "./processor-time.ts";

const port = parentPort;
if (port === null) throw new Error("device thread: expected to be started as a worker thread");
const post = (message: unknown): void => port.postMessage(message);
const { threads, isAlone, mayUseGpu } = workerData as {
  readonly threads: number;
  readonly isAlone: boolean;
  readonly mayUseGpu: boolean;
};
const hasGpu = mayUseGpu && (await provideGpu());
/** Of a process with other work in it only a thread's own time is this device's; a GPU's nobody tells. */
const processorSeconds = (): number | null =>
  hasGpu ? null : isAlone ? processSeconds(threads) : threads === 1 ? threadSeconds() : null;
const handle = createDevice(post, { wasmHost: nodeHost(threads), memoryBytes: totalmem(), processorSeconds });

port.on("message", (message: ToWorker) => handle(message));
process.on("unhandledRejection", (reason) => post({ kind: "failed", error: toPlainError(reason) }));
