/**
 * Does dropout cure overfitting? Federations over dropout rates and seeds on one task, train and held-out loss of the
 * full adapter as rounds pass.
 *
 *   npx tsx bench/overfitting.ts --task presidents --rates 0,0.5,0.7 --seeds 3
 *   npx tsx bench/overfitting.ts --devices 30 --parts 64 --rates 0,0.5
 *
 * Settings not given are the task's recommended ones. `--parts` deals the texts into more parts than there are devices, as
 * `serve` does, and takes the first ones. The table goes to stdout; `--json FILE` keeps every number, and a second call goes
 * on where the first one ended.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  adapterShape,
  createTrainer,
  type Dataset,
  datasetFromSamples,
  type Evaluation,
  pickRows,
  rowsOf,
} from "@fedlodrop/lm";
import { nodeHost, readModel } from "@fedlodrop/lm/node";
import { DEFAULT_RUN_CONFIG, resolveRunConfig } from "@fedlodrop/run";
import { taskDefinition } from "@fedlodrop/tasks";
import { prepareTask } from "@fedlodrop/tasks/node";
import { simulatedDevices } from "../apps/cli/src/reproduce/device-model.ts";
import { federate } from "../apps/cli/src/reproduce/in-process-federation.ts";

interface Point {
  readonly round: number;
  readonly train: Evaluation;
  readonly heldOut: Evaluation;
}

interface Trial {
  readonly dropoutRate: number;
  readonly seed: string;
  readonly points: readonly Point[];
}

const { values: flags } = parseArgs({
  options: {
    task: { type: "string", default: "presidents" },
    model: { type: "string", default: fileURLToPath(new URL("../models/base", import.meta.url)) },
    rates: { type: "string", default: "0,0.5,0.7" },
    seeds: { type: "string", default: "3" },
    "first-seed": { type: "string", default: "0" },
    devices: { type: "string", default: "4" },
    parts: { type: "string" },
    rounds: { type: "string" },
    samples: { type: "string" },
    steps: { type: "string" },
    batch: { type: "string" },
    rank: { type: "string" },
    "learning-rate": { type: "string" },
    "sequence-length": { type: "string" },
    "held-out": { type: "string", default: "200" },
    every: { type: "string", default: "4" },
    json: { type: "string" },
  },
});

const definition = taskDefinition(flags.task);
const { recommended } = definition;
const setting = (flag: string | undefined, fallback: number) =>
  flag === undefined ? fallback : Number(flag);
const settings = {
  devices: Number(flags.devices),
  parts: setting(flags.parts, Number(flags.devices)),
  rounds: setting(flags.rounds, recommended.rounds),
  samplesPerDevice: setting(flags.samples, recommended.samplesPerDevice),
  sequenceLength: setting(flags["sequence-length"], recommended.sequenceLength),
  rank: setting(flags.rank, recommended.rank),
  alpha: 2 * setting(flags.rank, recommended.rank),
  split: recommended.split,
  heldOutSamples: Number(flags["held-out"]),
  training: {
    ...DEFAULT_RUN_CONFIG.training,
    localSteps: setting(flags.steps, recommended.localSteps),
    batchSize: setting(flags.batch, recommended.batchSize),
    learningRate: setting(flags["learning-rate"], recommended.learningRate),
  },
};

const { model, tokenizer } = await readModel(flags.model);
const shape = adapterShape(model.config, {
  rank: settings.rank,
  alpha: settings.alpha,
  targetModules: DEFAULT_RUN_CONFIG.targetModules,
  ...(definition.kind === "classification" && { labels: definition.labels.length }),
});
const trainer = await createTrainer({ backend: "wasm", model, adapter: shape, wasmHost: nodeHost(1) });
const modelSha256 = createHash("sha256")
  .update(await readFile(join(flags.model, "model.safetensors")))
  .digest("hex");
console.log(`task ${flags.task}, base weights sha256 ${modelSha256}`);
console.log(JSON.stringify(settings));

const trials: Trial[] = flags.json ? await doneBefore(flags.json) : [];
for (let number = 0; number < Number(flags.seeds); number++)
  for (const rate of flags.rates.split(",").map(Number)) {
    const seed = String(Number(flags["first-seed"]) + number);
    if (trials.some((done) => done.seed === seed && done.dropoutRate === rate)) continue;
    const trial = await runTrial(rate, seed);
    trials.push(trial);
    printTrial(trial);
    if (flags.json)
      await writeFile(
        flags.json,
        JSON.stringify({ task: flags.task, modelSha256, settings, trials }, null, 1),
      );
  }
printSummary(trials);
trainer.dispose();

/** Of the same settings; a file of others is not written over. */
async function doneBefore(file: string): Promise<Trial[]> {
  if (!existsSync(file)) return [];
  const { trials: done, ...of } = JSON.parse(await readFile(file, "utf8")) as { readonly trials: Trial[] };
  const expected = JSON.stringify({ task: flags.task, modelSha256, settings });
  if (JSON.stringify(of) !== expected)
    throw new Error(`${file}: expected trials of ${expected}, got some of ${JSON.stringify(of)}`);
  return done;
}

async function runTrial(dropoutRate: number, seed: string): Promise<Trial> {
  const task = await prepareTask(flags.task, {
    ...settings,
    devices: settings.parts,
    rule: settings.split,
    seed,
  });
  const taking = task.devices.slice(0, settings.devices);
  const datasetOf = (samples: Parameters<typeof datasetFromSamples>[0]): Dataset =>
    datasetFromSamples(samples, tokenizer, {
      kind: definition.kind,
      sequenceLength: settings.sequenceLength,
    });
  const datasets = taking.map(({ train }) => datasetOf(train));
  const trained = spread(datasetOf(taking.flatMap(({ train }) => train)), settings.heldOutSamples);
  const heldOut = datasetOf(task.heldOutOf(taking.map((_, part) => part)));

  const points: Point[] = [];
  const measure = async (round: number, adapter?: Float32Array): Promise<void> => {
    points.push({
      round,
      train: await trainer.evaluate(trained, adapter),
      heldOut: await trainer.evaluate(heldOut, adapter),
    });
  };
  await measure(0);
  let round = 0;
  const { training, rounds } = settings;
  const config = resolveRunConfig({
    seed,
    rounds,
    training,
    dropoutRate,
    method: "fixed",
    aggregation: "mean",
  });
  for await (const { adapter } of federate({
    trainer,
    shape,
    config,
    devices: simulatedDevices(datasets),
  })) {
    round += 1;
    if (round % Number(flags.every) === 0 || round === settings.rounds) await measure(round, adapter);
  }
  return { dropoutRate, seed, points };
}

/** At most `limit` of the samples, evenly spaced, so that measuring takes no longer than training. */
function spread(dataset: Dataset, limit: number): Dataset {
  const total = rowsOf(dataset).length;
  const count = Math.min(limit, total);
  return pickRows(
    dataset,
    Array.from({ length: count }, (_, i) => Math.floor((i * total) / count)),
  );
}

function printTrial({ dropoutRate, seed, points }: Trial): void {
  console.log(`\nrate ${dropoutRate}, seed ${seed}\nround  train  held-out  accuracy`);
  for (const { round, train, heldOut } of points)
    console.log(
      `${String(round).padStart(5)} ${train.loss.toFixed(3).padStart(6)} ${heldOut.loss.toFixed(3).padStart(9)} ${(heldOut.accuracy?.toFixed(3) ?? "").padStart(9)}`,
    );
}

function printSummary(all: readonly Trial[]): void {
  const mean = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0) / numbers.length;
  console.log("\nmeans over seeds, nats\n rate  train  held-out   gap  best held-out (rounds)  accuracy");
  for (const rate of new Set(all.map(({ dropoutRate }) => dropoutRate))) {
    const own = all.filter(({ dropoutRate }) => dropoutRate === rate).map(({ points }) => points);
    const last = own.map((points) => points.at(-1) as Point);
    const best = own.map((points) => points.reduce((a, b) => (b.heldOut.loss < a.heldOut.loss ? b : a)));
    const train = mean(last.map((point) => point.train.loss));
    const heldOut = mean(last.map((point) => point.heldOut.loss));
    const accuracy = mean(last.map((point) => point.heldOut.accuracy ?? Number.NaN));
    console.log(
      `${rate.toFixed(2).padStart(5)} ${train.toFixed(3).padStart(6)} ${heldOut.toFixed(3).padStart(9)} ${(heldOut - train).toFixed(3).padStart(5)} ${mean(
        best.map((point) => point.heldOut.loss),
      )
        .toFixed(3)
        .padStart(
          14,
        )} (${best.map(({ round }) => round).join(", ")})${Number.isNaN(accuracy) ? "" : accuracy.toFixed(3).padStart(10)}`,
    );
  }
}
