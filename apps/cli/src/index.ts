/** Federations in programs and tests of other projects: a run, and everything that takes part in one or spoils it. */
export * from "@fedlodrop/harness";
export type { HostCommand, HostView, ParticipantView } from "@fedlodrop/protocol";
export type { ParticipantRound, RoundRecord, RunConfig, RunOverrides, RunReport } from "@fedlodrop/run";
export { DEFAULT_RUN_CONFIG } from "@fedlodrop/run";
export { type NodeDevice, type NodeDeviceOptions, startNodeDevice } from "./node-device.ts";
export { type StartedRun, type StartRunOptions, startRun } from "./start-run.ts";
