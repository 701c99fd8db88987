/** Flags that set a field of the run's configuration, shared by every command that starts a run. */
import {
  AGGREGATIONS,
  BASE_TYPES,
  BOUNDS,
  DEFAULT_RUN_CONFIG,
  expectation,
  faultInWords,
  METHODS,
  type RunConfig,
  type RunOverrides,
  resolveRunConfig,
  runOverridesSchema,
} from "@fedlodrop/run";
import { TASK_DEFINITIONS } from "@fedlodrop/tasks";
import type { Flag, GivenFlags } from "./flags.ts";
import type { HubOptions } from "./hub/hub.ts";
import { UsageError } from "./usage-error.ts";

interface RunFlag extends Flag {
  /** Dotted place in `RunConfig`. */
  readonly field: string;
  /** Completes "expected …" where the schema's own reason would not say it. */
  readonly expected?: string;
  /** Text to the field's value; the schema checks it. */
  readonly read: (text: string) => unknown;
}

const asText = (text: string): string => text;
/** An empty text is not zero. */
const asNumber = (text: string): number => (text.trim() === "" ? Number.NaN : Number(text));

const {
  task,
  model,
  baseType,
  method,
  dropoutRate,
  bound,
  maxDropoutRate,
  training,
  valueType,
  aggregation,
  deadlineSeconds,
  quorum,
  maxParticipants,
  minContributors,
  links,
  evaluationSamples,
  seed,
} = DEFAULT_RUN_CONFIG;

/** Of what `--dp-epsilon` turns on. */
const DEFAULT_PRIVACY = { delta: 1e-5, clip: 1 };

/** Of every command that may have to fetch a model. */
export const HUB_FLAG: Flag = {
  name: "hub",
  value: "URL",
  help: "where models are fetched from (HF_ENDPOINT, else huggingface.co); a token comes from HF_TOKEN",
};

export const hubOf = (given: GivenFlags): HubOptions => {
  const endpoint = given.get("hub");
  return typeof endpoint === "string" ? { endpoint } : {};
};

/** What the help's asterisks mean. */
export const RUN_FLAGS_NOTE = "Defaults are in brackets; * is as the task recommends.";

export const RUN_FLAGS: readonly RunFlag[] = [
  {
    name: "task",
    value: "NAME",
    help: `${TASK_DEFINITIONS.map(({ name }) => name).join(", ")}, or a file of texts (${task})`,
    field: "task",
    read: asText,
  },
  {
    name: "model",
    value: "NAME",
    help: `base, which is bundled, a folder in the Hugging Face layout, or ORG/NAME[@REVISION] of a hub (${model})`,
    field: "model",
    read: asText,
  },
  {
    name: "adapter",
    value: "DIR",
    help: "PEFT adapter that the run begins with, whose rank, alpha and modules it takes (none)",
    field: "startFrom",
    read: asText,
  },
  { name: "rounds", value: "R", help: "rounds of the run *", field: "rounds", read: asNumber },
  { name: "method", value: "M", help: `${METHODS.join(", ")} (${method})`, field: "method", read: asText },
  {
    name: "dropout",
    value: "G",
    help: "dropout rate γ of method fixed, 0 to 0.95 *",
    field: "dropoutRate",
    read: asNumber,
  },
  {
    name: "compare",
    value: "M[:G]",
    help: "by turns, the same run with this method (and rate) instead: fedlora, or fixed:0.7 (none; serve without any flag of the run: fedlora)",
    field: "compareWith",
    expected: "none, a method, or fixed:G with G from 0 to 0.95",
    read: readArm,
  },
  {
    name: "max-dropout",
    value: "G",
    help: `largest γ a choosing method may use (${maxDropoutRate})`,
    field: "maxDropoutRate",
    read: asNumber,
  },
  {
    name: "bound",
    value: "FORM",
    help: `what choosing methods minimise: ${BOUNDS.join(", ")} (${bound})`,
    field: "bound",
    read: asText,
  },
  {
    name: "rescale",
    value: "HOW",
    help: `masked products: inverted by 1/(1-γ)², or none, the paper's 0/1 masks (${training.rescale})`,
    field: "training.rescale",
    read: asText,
  },
  {
    name: "local-steps",
    value: "E",
    help: "optimiser steps a device takes in a round *",
    field: "training.localSteps",
    read: asNumber,
  },
  {
    name: "batch-size",
    value: "B",
    help: "samples in a step *",
    field: "training.batchSize",
    read: asNumber,
  },
  {
    name: "sequence-length",
    value: "T",
    help: "tokens of a sample *",
    field: "training.sequenceLength",
    read: asNumber,
  },
  { name: "learning-rate", value: "η", help: "of AdamW *", field: "training.learningRate", read: asNumber },
  { name: "rank", value: "R", help: "of the adapter *", field: "rank", read: asNumber },
  {
    name: "alpha",
    value: "A",
    help: "the adapter's product is scaled by A / rank *",
    field: "alpha",
    read: asNumber,
  },
  {
    name: "base",
    value: "TYPE",
    help: `how the model's frozen matrices are held: ${BASE_TYPES.join(", ")} (${baseType})`,
    field: "baseType",
    read: asText,
  },
  {
    name: "value-type",
    value: "TYPE",
    help: `values on the wire: f32 or f16 (${valueType})`,
    field: "valueType",
    read: asText,
  },
  {
    name: "aggregation",
    value: "RULE",
    help: `how updates are put together: ${AGGREGATIONS.join(", ")} (${aggregation})`,
    field: "aggregation",
    read: asText,
  },
  {
    name: "dp-epsilon",
    value: "ε",
    help: "what the whole run may give away of a device: clips updates and adds noise to their sum (no limit)",
    field: "differentialPrivacy.epsilon",
    read: asNumber,
  },
  {
    name: "dp-delta",
    value: "δ",
    help: `probability with which that may fail (${DEFAULT_PRIVACY.delta})`,
    field: "differentialPrivacy.delta",
    read: asNumber,
  },
  {
    name: "dp-clip",
    value: "C",
    help: `Euclidean norm that updates are clipped to (${DEFAULT_PRIVACY.clip})`,
    field: "differentialPrivacy.clip",
    read: asNumber,
  },
  {
    name: "dp-example-epsilon",
    value: "ε",
    help: "what a device's updates may give away of any one of its texts: it trains by DP-SGD (no limit)",
    field: "examplePrivacy.epsilon",
    read: asNumber,
  },
  {
    name: "dp-example-clip",
    value: "C",
    help: `Euclidean norm that the gradient of each text is clipped to (${DEFAULT_PRIVACY.clip})`,
    field: "examplePrivacy.clip",
    read: asNumber,
  },
  {
    name: "secure-aggregation",
    help: "devices mask their changes for each other: the coordinator gets sums alone",
    field: "secureAggregation",
    read: () => true,
  },
  {
    name: "deadline",
    value: "SECONDS",
    help: `a round closes then, whoever is missing (${deadlineSeconds})`,
    field: "deadlineSeconds",
    read: asNumber,
  },
  {
    name: "quorum",
    value: "SHARE",
    help: `with this share of its cohort a round waits for the rest only as long as planned (${quorum}; serve: 0.75)`,
    field: "quorum",
    read: asNumber,
  },
  {
    name: "max-participants",
    value: "N",
    help: `devices that may take part at once (${maxParticipants})`,
    field: "maxParticipants",
    read: asNumber,
  },
  {
    name: "min-contributors",
    value: "N",
    help: `a round with fewer contributors is discarded; 2 keeps one device's change from being seen (${minContributors})`,
    field: "minContributors",
    read: asNumber,
  },
  {
    name: "energy-limit",
    value: "JOULES",
    help: "E_max per device and round (none)",
    field: "energyLimitJoules",
    read: asNumber,
  },
  {
    name: "devices",
    value: "K",
    help: "parts the training texts are dealt into *",
    field: "devices",
    read: asNumber,
  },
  {
    name: "split",
    value: "SPLIT",
    help: "natural, iid or dirichlet:ALPHA *",
    field: "split",
    expected: "natural, iid or dirichlet:ALPHA",
    read: readSplit,
  },
  {
    name: "samples-per-device",
    value: "N",
    help: "training samples or windows a device keeps *",
    field: "samplesPerDevice",
    read: asNumber,
  },
  {
    name: "links",
    value: "KIND",
    help: `measured, or emulated: transfers paced to a simulated radio cell (${links})`,
    field: "links",
    read: asText,
  },
  {
    name: "evaluation-samples",
    value: "N",
    help: `held-out windows or samples measured after each round (${evaluationSamples})`,
    field: "evaluationSamples",
    read: asNumber,
  },
  {
    name: "evaluate-on",
    value: "WHERE",
    help: "coordinator, or devices:N: every Nth round (5) devices also measure it on texts they keep back (coordinator)",
    field: "evaluateOn",
    expected: "coordinator, devices or devices:N",
    read: readEvaluateOn,
  },
  { name: "seed", value: "S", help: `the run repeats from it (${seed})`, field: "seed", read: asText },
];

/** Whether anything is said of the run. */
export const tellsOfRun = (given: GivenFlags): boolean => RUN_FLAGS.some(({ name }) => given.has(name));

/** What the given flags say of the run. Throws a UsageError that names the flag and the fault. */
export function readRunFlags(given: GivenFlags): RunOverrides {
  const tree: Record<string, unknown> = {};
  for (const { name, field, read } of RUN_FLAGS) {
    const text = given.get(name);
    if (text === undefined) continue;
    const [key, inner] = field.split(".") as [string, string?];
    const value = read(String(text));
    tree[key] = inner === undefined ? value : { ...(tree[key] as object), [inner]: value };
  }
  if (given.has("adapter"))
    for (const own of ["rank", "alpha"])
      if (given.has(own)) throw new UsageError(`--${own} is the adapter's own with --adapter: leave it out`);
  const privacy = tree.differentialPrivacy as object | undefined;
  if (privacy !== undefined) {
    if (!given.has("dp-epsilon")) throw new UsageError("--dp-delta and --dp-clip belong to --dp-epsilon");
    tree.differentialPrivacy = { ...DEFAULT_PRIVACY, ...privacy };
  }
  const ofExamples = tree.examplePrivacy as object | undefined;
  if (ofExamples !== undefined) {
    if (!given.has("dp-example-epsilon"))
      throw new UsageError("--dp-example-clip belongs to --dp-example-epsilon");
    tree.examplePrivacy = { ...DEFAULT_PRIVACY, ...ofExamples };
  }
  // Rules that look at single updates are refused with either: the default would be.
  if (privacy !== undefined || tree.secureAggregation === true) tree.aggregation ??= "mean";
  const parsed = runOverridesSchema.safeParse(tree);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const flag = RUN_FLAGS.find(({ field }) => field === issue?.path.join(".") || field === issue?.path[0]);
    throw new UsageError(
      flag && issue
        ? `--${flag.name}: expected ${flag.expected ?? expectation(issue)}, got "${given.get(flag.name)}"`
        : `run configuration: ${faultInWords(parsed.error)}`,
    );
  }
  if (given.has("dropout") && parsed.data.method !== undefined && parsed.data.method !== "fixed")
    throw new UsageError(`--dropout belongs to --method fixed; ${parsed.data.method} sets the rates itself`);
  return parsed.data;
}

/** The whole configuration from flags over `defaults` of the command. */
export function runConfigFromFlags(given: GivenFlags, defaults: RunOverrides): RunConfig {
  const overrides = readRunFlags(given);
  return resolveRunConfig({
    ...defaults,
    ...overrides,
    training: { ...defaults.training, ...overrides.training },
  });
}

function readArm(text: string): unknown {
  if (text === "none") return null;
  const [method, rate] = text.split(":");
  return { method, dropoutRate: rate === undefined ? dropoutRate : asNumber(rate) };
}

function readEvaluateOn(text: string): unknown {
  const [kind, every] = text.split(":");
  if (kind === "coordinator" && every === undefined) return { kind };
  return { kind, every: every === undefined ? 5 : asNumber(every) };
}

function readSplit(text: string): unknown {
  const [kind, alpha] = text.split(":");
  return alpha === undefined ? { kind } : { kind, alpha: asNumber(alpha) };
}
