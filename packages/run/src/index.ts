export {
  type AdaptedModule,
  type AdapterShape,
  type AdapterSlice,
  adapterLayout,
  adapterSize,
  type DenseParameter,
  initialAdapter,
} from "./adapter.ts";
export { type Arm, armCount, armOf, nextTurn, ofArm, roundsInAll, termsOf, turnOf } from "./arms.ts";
export { BACKENDS, type Backend } from "./backend.ts";
export { type ConvergencePoint, convergence, largestLoweringRate } from "./convergence.ts";
export {
  type DropoutMask,
  drawDropoutMask,
  gatherInPieces,
  gatherValues,
  keptCount,
  keptIndices,
  keptValueCount,
  type MaskKey,
  type ModuleMask,
} from "./dropout-mask.ts";
export { COARSE_BITS, FINE_BITS } from "./exact-parts.ts";
export { foreseenGap } from "./foreseen-gap.ts";
export { type ForeseenSeconds, foreseenSeconds, intervalsHeld, ROUNDS_TO_LEARN } from "./foreseen-seconds.ts";
export { type LossJump, lossJump } from "./loss-jump.ts";
export { isModelFile, isSmallModelFile } from "./model-files.ts";
export {
  MODEL_MANIFEST,
  type ModelFileParts,
  type ModelManifest,
  modelManifestSchema,
  PART_BYTES,
} from "./model-manifest.ts";
export { atOnce, inPieces, PIECE_VALUES, type Pieces } from "./pieces.ts";
export { expectation, faultInWords, isSchemaFault } from "./plain-words.ts";
export { COVERAGE } from "./prediction-interval.ts";
export { median, quantile } from "./quantile.ts";
export { createRandom, type Random, sampleWithoutReplacement, shuffled } from "./random.ts";
export {
  type AllocationRecord,
  type BoundEstimate,
  type Exclusion,
  type OnDevices,
  OUTCOMES,
  type ParticipantOutcome,
  type ParticipantRound,
  REPORT_FORMAT,
  type RoundEvaluation,
  type RoundRecord,
  type RunReport,
  roundRecordSchema,
  type SecureRecord,
  type Turn,
  turnSchema,
  UPLOAD_LIMITS,
  type UpdateRecord,
  wasTried,
} from "./report.ts";
export type { RoundSample } from "./round-sample.ts";
export {
  AGGREGATIONS,
  type Aggregation,
  BASE_TYPES,
  type BaseType,
  BOUNDS,
  DEFAULT_RUN_CONFIG,
  DIRECT_METHODS,
  energyLimitOf,
  METHODS,
  type Method,
  type Promises,
  promisesOf,
  promisesSchema,
  type RunChange,
  type RunConfig,
  type RunOverrides,
  resolveRunConfig,
  runChangeSchema,
  runConfigSchema,
  runOverridesSchema,
  SOLVED_METHODS,
  trainingSchema,
  VALUE_TYPES,
  type ValueType,
} from "./run-config.ts";
export {
  type ChatTurn,
  type DeviceTexts,
  deviceTextsSchema,
  type Sample,
  sampleSchema,
  TASK_KINDS,
  TASK_METRICS,
  type TaskKind,
  type TaskMetric,
} from "./sample.ts";
export { type SubAdapter, subAdapter, subAdapterInPieces } from "./sub-adapter.ts";
