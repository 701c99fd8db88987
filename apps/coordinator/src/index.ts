export { buildCoordinator, type Coordinator, type CoordinatorOptions } from "./app.ts";
export { type Clock, systemClock } from "./clock.ts";
export type { Planner } from "./planner.ts";
export { createStore, type RunStore, readStoredRun, type StoredRun } from "./store.ts";
export type { DeviceTexts, LoadWorkload, Workload } from "./workload.ts";
