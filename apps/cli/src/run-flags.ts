/** Flags that set a field of the run's configuration, shared by every command that starts a run. */
import { AGGREGATIONS, BASE_TYPES, BOUNDS, DEFAULT_RUN_CONFIG, METHODS } from "@fedlodrop/run";
import { TASK_DEFINITIONS } from "@fedlodrop/tasks";
import type { Flag } from "./flags.ts";

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
  subChannels,
  evaluationSamples,
  seed,
} = DEFAULT_RUN_CONFIG;

/** Of what `--dp-epsilon` turns on. */
export const DEFAULT_PRIVACY = { delta: 1e-5, clip: 1 };

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
    name: "sub-channels",
    value: "M",
    help: `of the simulated cell, 15 kHz each (${subChannels})`,
    field: "subChannels",
    read: asNumber,
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
