/**
 * What a base of fewer bits costs: the same federation on each bundled task with the bundled model held in f32, int8 and
 * int4, and the held-out loss of the base model and after fine-tuning. `npx tsx bench/base-types.ts`; `--rounds`,
 * `--steps` and `--held-out` take fewer than the task recommends, `--only NAME` takes one task, `--seed` another draw. int8 is to stay
 * within 0.5 % of f32.
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { adapterShape, createTrainer, type Dataset, datasetFromSamples } from "@fedlodrop/lm";
import { nodeHost, readModel } from "@fedlodrop/lm/node";
import { type BaseType, DEFAULT_RUN_CONFIG, resolveRunConfig } from "@fedlodrop/run";
import { TASK_DEFINITIONS, type TaskDefinition } from "@fedlodrop/tasks";
import { prepareTask } from "@fedlodrop/tasks/node";
import { simulatedDevices } from "../apps/cli/src/reproduce/device-model.ts";
import { federate } from "../apps/cli/src/reproduce/in-process-federation.ts";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string" },
    steps: { type: "string" },
    "held-out": { type: "string", default: "200" },
    only: { type: "string" },
    seed: { type: "string", default: "0" },
  },
});
const BASES = ["f32", "int8", "int4"] as const satisfies readonly BaseType[];
const DEVICES = 4;
const TOLERANCE = 0.005;

const { model, tokenizer } = await readModel(fileURLToPath(new URL("../models/base", import.meta.url)));
const tasks = TASK_DEFINITIONS.filter(
  ({ name, textsFrom }) => textsFrom === "coordinator" && (flags.only ?? name) === name,
);
for (const task of tasks) {
  const losses = new Map<BaseType, { readonly base: number; readonly tuned: number }>();
  for (const base of BASES) losses.set(base, await fineTune(task, base));
  const whole = losses.get("f32")?.tuned ?? Number.NaN;
  for (const [base, { base: before, tuned }] of losses) {
    const change = tuned / whole - 1;
    const isReached = base !== "int8" || Math.abs(change) <= TOLERANCE;
    if (!isReached) process.exitCode = 1;
    const verdict = base === "int8" ? (isReached ? ", reached (≤ 0.5 %)" : ", MISSED (≤ 0.5 %)") : "";
    console.log(
      `${task.name.padEnd(16)} ${base.padEnd(5)} held-out loss ${before.toFixed(4)} → ${tuned.toFixed(4)} (${(100 * change).toFixed(2)} % from f32)${verdict}`,
    );
  }
}

async function fineTune(task: TaskDefinition, base: BaseType) {
  const { kind, labels, recommended } = task;
  const { split, sequenceLength, samplesPerDevice, rank, localSteps, batchSize, learningRate } = recommended;
  const shape = adapterShape(model.config, {
    ...{ rank, alpha: 2 * rank, targetModules: DEFAULT_RUN_CONFIG.targetModules },
    ...(kind === "classification" && { labels: labels.length }),
  });
  const trainer = await createTrainer({
    backend: "wasm",
    model,
    adapter: shape,
    base,
    wasmHost: nodeHost(1),
  });
  const settings = {
    devices: DEVICES,
    samplesPerDevice,
    sequenceLength,
    heldOutSamples: Number(flags["held-out"]),
  };
  const prepared = await prepareTask(task.name, { ...settings, rule: split, seed: flags.seed });
  const datasetOf = (samples: Parameters<typeof datasetFromSamples>[0]): Dataset =>
    datasetFromSamples(samples, tokenizer, { kind, sequenceLength });
  const heldOut = datasetOf(prepared.heldOut);
  const before = await trainer.evaluate(heldOut);
  const config = resolveRunConfig({
    ...{ seed: flags.seed, method: "fixed", dropoutRate: 0.3, aggregation: "mean" },
    rounds: Number(flags.rounds ?? recommended.rounds),
    training: {
      ...{ ...DEFAULT_RUN_CONFIG.training, batchSize, learningRate },
      localSteps: Number(flags.steps ?? localSteps),
    },
  });
  const devices = simulatedDevices(prepared.devices.map(({ train }) => datasetOf(train)));
  let tuned: Float32Array | undefined;
  for await (const { adapter } of federate({ trainer, shape, config, devices })) tuned = adapter;
  const after = await trainer.evaluate(heldOut, tuned);
  trainer.dispose();
  return { base: before.loss, tuned: after.loss };
}
