// Entry of every worker thread: runs the module that it is given.
import { workerData } from "node:worker_threads";
import { load } from "./load.mjs";

await load(workerData.module);
