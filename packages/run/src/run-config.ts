/**
 * What a run is: everything that must be known to repeat it. The coordinator owns it, the host may change parts of
 * it between rounds, the report stores it whole. Schemas carry no defaults (zod fills them into partial objects
 * too, so a change of one field would reset the others): `DEFAULT_RUN_CONFIG` has them all. The exception is what stored runs
 * may lack, and overrides have none of it.
 */
import { z } from "zod";

/** Methods that set dropout rates without solving anything. */
export const DIRECT_METHODS = [
  "fedlora", // γ = 0 for everyone
  "fixed", // one γ for all
  "random", // γ_k uniform on [0, γ_max]
] as const;
/** Methods that solve for rates and shares; packages/allocation has more, to compare with. */
export const SOLVED_METHODS = [
  "greedy",
  "equal", // equal shares, best common γ
  "p-sca",
  "branch-and-bound",
] as const;
/** Methods that set dropout rates each round (the paper's comparison set). */
export const METHODS = [...DIRECT_METHODS, ...SOLVED_METHODS] as const;
export type Method = (typeof METHODS)[number];

/** Rules by which a round's updates become the new adapter (docs/robustness.md). */
export const AGGREGATIONS = ["mean", "clipped-mean", "trimmed-mean", "median", "krum"] as const;
export type Aggregation = (typeof AGGREGATIONS)[number];

/** Forms of the bound that rates are chosen by (docs/allocation.md). */
export const BOUNDS = ["calibrated", "theorem"] as const;

/** How update values travel. */
export const VALUE_TYPES = ["f32", "f16"] as const;
export type ValueType = (typeof VALUE_TYPES)[number];

/** How frozen matrices are held: `int8` with a scale for each output, `int4` for each 32 inputs of one, but token tables in int8. */
export const BASE_TYPES = ["f32", "f16", "int8", "int4"] as const;
export type BaseType = (typeof BASE_TYPES)[number];

const dropoutRate = z.number().min(0).max(0.95);
const positiveInteger = z.int().min(1);
const energyLimit = z.number().positive().nullable();

/** M of runs that do not say. */
const DEFAULT_SUB_CHANNELS = 32;
const subChannels = positiveInteger.max(1024);

export const trainingSchema = z.strictObject({
  /** E, optimiser steps a participant takes each round. */
  localSteps: positiveInteger.max(10_000),
  batchSize: positiveInteger.max(256),
  /** Tokens of one window (language model) or the cut of one sample (classification). */
  sequenceLength: positiveInteger.max(4096),
  learningRate: z.number().positive().max(1),
  weightDecay: z.number().min(0).max(1),
  /** `inverted`: the masked product is scaled by 1/(1−γ)². */
  rescale: z.enum(["inverted", "none"]),
});

export const runConfigSchema = z.strictObject({
  seed: z.string().min(1).max(64),
  task: z.string().min(1),
  /** The base model: `base` is the bundled one; else a folder in the Hugging Face layout, or ORG/NAME@COMMIT of a hub. */
  model: z.string().min(1),
  /** Folder of the PEFT adapter that the first round begins with; null begins with none, which changes nothing yet. */
  startFrom: z.string().min(1).nullable(),
  /** How devices and the evaluation hold the model's matrices; fewer bits take less memory and lose a little. */
  baseType: z.enum(BASE_TYPES),
  /** Of each arm. */
  rounds: positiveInteger.max(100_000),
  method: z.enum(METHODS),
  /** γ of the method `fixed`. */
  dropoutRate,
  /** A second arm, whose rounds take turns with the run's own; null compares with nothing. */
  compareWith: z.strictObject({ method: z.enum(METHODS), dropoutRate }).nullable(),
  /** What methods that solve minimise: with the constants that rounds have shown, or as the theorem has them. */
  bound: z.enum(BOUNDS),
  /** γ_max of every method that chooses rates. */
  maxDropoutRate: dropoutRate,
  rank: positiveInteger.max(256),
  alpha: z.number().positive(),
  /** Which matrices carry an adapter, as PEFT's `target_modules`: ends of names, or `all-linear`; null is the model's default. */
  targetModules: z.array(z.string().min(1).max(200)).min(1).max(64).nullable(),
  training: trainingSchema,
  /** How update values travel. */
  valueType: z.enum(VALUE_TYPES),
  /** How updates are put together; all but `mean` bound them first. */
  aggregation: z.enum(AGGREGATIONS),
  /**
   * Every update is clipped to this Euclidean norm, counts the same, and noise is added to their sum, so that the run as a
   * whole gives away at most (ε, δ) of any one device. Null adds none.
   */
  differentialPrivacy: z
    .strictObject({
      epsilon: z.number().positive().max(1e6),
      delta: z.number().positive().max(0.1),
      clip: z.number().positive().max(1e6),
    })
    .nullable(),
  /**
   * Devices train by DP-SGD: a device's updates in the run give away at most (ε, δ) of any one of its texts, whoever sees
   * them. Null trains as usual.
   */
  examplePrivacy: z
    .strictObject({
      epsilon: z.number().positive().max(1e6),
      delta: z.number().positive().max(0.1),
      /** Of a single text's gradient. */
      clip: z.number().positive().max(1e6),
    })
    .nullable(),
  /** The coordinator gets sums of changes alone, never one device's: devices mask them for each other. */
  secureAggregation: z.boolean(),
  /** When this share of its cohort has reported, a round waits for the others only as long as their plan foresees. */
  quorum: z.number().min(0.01).max(1),
  /** T_max: seconds from the start of a round to its deadline. */
  deadlineSeconds: z.number().positive().max(86_400),
  /** E_max per device and round; null is no limit. */
  energyLimitJoules: energyLimit,
  /** E_max of single devices, by participant id, in place of `energyLimitJoules`. */
  deviceEnergyLimitsJoules: z.record(z.string(), energyLimit),
  /** A round starts only with at least this many ready participants. */
  minParticipants: positiveInteger,
  maxParticipants: positiveInteger.max(10_000),
  /** A round with fewer contributors is discarded: the change that one device made is that device's alone. */
  minContributors: positiveInteger.max(10_000),
  /** Parts the training texts are dealt into; participant number k holds part k modulo this. */
  devices: positiveInteger.max(1024),
  split: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("natural") }),
    z.strictObject({ kind: z.literal("iid") }),
    z.strictObject({ kind: z.literal("dirichlet"), alpha: z.number().positive() }),
  ]),
  /** Training windows or samples a device holds; null is all it has. */
  samplesPerDevice: positiveInteger.nullable(),
  /** Held-out windows or samples that each evaluation measures, and as many of the training texts. */
  evaluationSamples: positiveInteger.max(100_000),
  /**
   * `devices`: after every so many rounds, devices measure the adapter on a tenth of their own texts that they keep back
   * from training, besides what the coordinator measures.
   */
  evaluateOn: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("coordinator") }),
    z.strictObject({ kind: z.literal("devices"), every: positiveInteger.max(100_000) }),
  ]),
  /** `measured`: the participants' own links; `emulated`: transfers are paced to a simulated radio cell. */
  links: z.enum(["measured", "emulated"]),
  /** M: sub-channels of the emulated cell, each as wide as any. Runs stored before it could be chosen have the default. */
  subChannels: subChannels.default(DEFAULT_SUB_CHANNELS),
});
export type RunConfig = z.infer<typeof runConfigSchema>;

export const DEFAULT_RUN_CONFIG: RunConfig = {
  seed: "0",
  task: "presidents",
  model: "base",
  startFrom: null,
  baseType: "f32",
  rounds: 20,
  method: "fixed",
  dropoutRate: 0.3,
  compareWith: null,
  bound: "calibrated",
  maxDropoutRate: 0.9,
  rank: 8,
  alpha: 16,
  targetModules: null,
  training: {
    localSteps: 8,
    batchSize: 4,
    sequenceLength: 64,
    learningRate: 2e-3,
    weightDecay: 0,
    rescale: "inverted",
  },
  valueType: "f32",
  aggregation: "clipped-mean",
  differentialPrivacy: null,
  examplePrivacy: null,
  secureAggregation: false,
  quorum: 1,
  deadlineSeconds: 60,
  energyLimitJoules: null,
  deviceEnergyLimitsJoules: {},
  minParticipants: 1,
  maxParticipants: 64,
  minContributors: 1,
  devices: 8,
  split: { kind: "natural" },
  samplesPerDevice: null,
  evaluationSamples: 48,
  evaluateOn: { kind: "coordinator" },
  links: "measured",
  subChannels: DEFAULT_SUB_CHANNELS,
};

/** E_max of one device; null is no limit. */
export function energyLimitOf(
  {
    energyLimitJoules,
    deviceEnergyLimitsJoules,
  }: Pick<RunConfig, "energyLimitJoules" | "deviceEnergyLimitsJoules">,
  participantId: string,
): number | null {
  const own = deviceEnergyLimitsJoules[participantId];
  return own === undefined ? energyLimitJoules : own;
}

/** Overrides of the defaults, one level deep in `training`. */
export const runOverridesSchema = runConfigSchema
  .extend({ training: trainingSchema.partial(), subChannels })
  .partial();
export type RunOverrides = z.infer<typeof runOverridesSchema>;

/** The whole configuration. Throws a ZodError that names the offending field. */
export function resolveRunConfig(
  overrides: RunOverrides,
  defaults: RunConfig = DEFAULT_RUN_CONFIG,
): RunConfig {
  return runConfigSchema.parse({
    ...defaults,
    ...given(overrides),
    training: { ...defaults.training, ...given(overrides.training ?? {}) },
  });
}

/** A key that is present with the value undefined overrides nothing. */
const given = (overrides: object): object =>
  Object.fromEntries(Object.entries(overrides).filter(([, value]) => value !== undefined));

/** What is done with what a device sends: for everybody, so that whoever may join knows it before. */
export const promisesSchema = runConfigSchema.pick({
  aggregation: true,
  differentialPrivacy: true,
  examplePrivacy: true,
  secureAggregation: true,
});
export type Promises = z.infer<typeof promisesSchema>;

export const promisesOf = ({
  aggregation,
  differentialPrivacy,
  examplePrivacy,
  secureAggregation,
}: RunConfig): Promises => ({ aggregation, differentialPrivacy, examplePrivacy, secureAggregation });

/** What the host may change between rounds. */
export const runChangeSchema = runConfigSchema
  .pick({
    method: true,
    dropoutRate: true,
    maxDropoutRate: true,
    deadlineSeconds: true,
    energyLimitJoules: true,
    deviceEnergyLimitsJoules: true,
    rounds: true,
    quorum: true,
    minContributors: true,
    aggregation: true,
  })
  .partial();
export type RunChange = z.infer<typeof runChangeSchema>;
