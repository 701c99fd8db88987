export { buildCoordinator } from "./app.ts";
export { type Clock, systemClock } from "./clock.ts";
export type { Coordinator, CoordinatorOptions } from "./coordinator.ts";
export type { Planner } from "./runs/planner.ts";
export type { LoadWorkload, Workload } from "./runs/workload.ts";
export { type AccessRecord, accessRecordSchema, readRoomCode } from "./security/access.ts";
export { type OriginRule, readOrigin } from "./security/origin.ts";
export { createRunFolder } from "./store/run-folder.ts";
export type { LoadOptions, RunStore, StoredRun } from "./store/run-store.ts";
