export type { BoundConstants, ObjectiveMode } from "./bound.ts";
export { generalisationGap, varianceFactor } from "./bound.ts";
export type { BoundEstimates, ParticipantScalars, RoundScalars } from "./bound-estimates.ts";
export { boundConstants, initialEstimates, updateEstimates, varianceCoefficient } from "./bound-estimates.ts";
export type { DeviceKind, EnergyProfile, EnergySource, JouleEstimate } from "./energy-profile.ts";
export {
  batteryJoules,
  correctedProfile,
  deviceKinds,
  energyBudgetJoules,
  energyProfiles,
  modelledJoules,
} from "./energy-profile.ts";
export { parseInstances } from "./instance-file.ts";
export type { LinearInKeepRate } from "./latency.ts";
export { uploadBits } from "./latency.ts";
export type { TrainingTime, Transfer } from "./link-estimates.ts";
export { deadlineSlack, medianSeconds, trainingSeconds, transferBitsPerSecond } from "./link-estimates.ts";
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
export type { ResultObject } from "./result-object.ts";
export { resultObject } from "./result-object.ts";
export { allocate } from "./solve.ts";
export type { Device, Objective, OperatingPoint, RadioSystem } from "./system.ts";
