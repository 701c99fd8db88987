export type { BoundConstants, ObjectiveMode } from "./bound.ts";
export { generalisationGap, generalisationGapSlope, varianceFactor } from "./bound.ts";
export { fdmaProblem } from "./fdma-link.ts";
export type { LinearInKeepRate } from "./latency.ts";
export { uploadBits } from "./latency.ts";
export { objectiveAt } from "./objective.ts";
export type {
  Allocation,
  AllocationProblem,
  DeviceAllocation,
  DeviceLoad,
  Infeasibility,
  MeasuredLink,
  Method,
  Preparation,
  RadioLink,
  SolveOptions,
  Solver,
  TracePoint,
} from "./problem.ts";
export { methods, radioProblem } from "./problem.ts";
export type { RandomInstance } from "./random-instance.ts";
export { instanceFamilies, randomSystem } from "./random-instance.ts";
export { allocate } from "./solve.ts";
export type { Device, Objective, OperatingPoint, RadioSystem } from "./system.ts";
export { violations } from "./violations.ts";
