// Entry of every worker thread: registers tsx, which a thread does not inherit, then runs the module it is given.
import { workerData } from "node:worker_threads";
import { register } from "tsx/esm/api";

register();
await import(workerData.module);
