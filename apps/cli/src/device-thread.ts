/** A device's thread in Node: trainer and connection, as in a page's worker. */
import { parentPort, workerData } from "node:worker_threads";
import { createDevice, type ToWorker, toPlainError } from "@fedlodrop/device";
import { nodeHost } from "@fedlodrop/lm/node";

const port = parentPort;
if (port === null) throw new Error("device thread: expected to be started as a worker thread");
const post = (message: unknown): void => port.postMessage(message);
const { threads } = workerData as { readonly threads: number };
const handle = createDevice(post, { wasmHost: nodeHost(threads) });

port.on("message", (message: ToWorker) => handle(message));
process.on("unhandledRejection", (reason) => post({ kind: "failed", error: toPlainError(reason) }));
