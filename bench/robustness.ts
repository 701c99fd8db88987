/**
 * What hostile devices do to a run, rule by rule: federations that really train, some of whose devices send something
 * else than what they were asked for. The table of docs/robustness.md.
 *
 *   npx tsx bench/robustness.ts --rules mean,clipped-mean --attacks sign-flip,x100 --hostile 2 --csv docs/results/robustness.csv
 *
 * One row a federation, appended as it ends; rows that the file has are not run again, and `--minutes` ends in time, so
 * that a long table can be made in pieces.
 */
import { appendFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { adapterShape, createTrainer, type Dataset, datasetFromSamples } from "@fedlodrop/lm";
import { nodeHost, readModel } from "@fedlodrop/lm/node";
import {
  AGGREGATIONS,
  type Aggregation,
  createRandom,
  DEFAULT_RUN_CONFIG,
  resolveRunConfig,
} from "@fedlodrop/run";
import { taskDefinition } from "@fedlodrop/tasks";
import { prepareTask } from "@fedlodrop/tasks/node";
import { simulatedDevices } from "../apps/cli/src/reproduce/device-model.ts";
import { federate, type RoundOutcome } from "../apps/cli/src/reproduce/in-process-federation.ts";
import { robustnessTable, withTable } from "./robustness-table.ts";

const CSV = fileURLToPath(new URL("../docs/results/robustness.csv", import.meta.url));
const DOCUMENT = fileURLToPath(new URL("../docs/robustness.md", import.meta.url));

const { values: flags } = parseArgs({
  options: {
    rules: { type: "string", default: AGGREGATIONS.join() },
    attacks: { type: "string", default: "sign-flip,flip-x10,x10,x100,random-32,random-small,label-flip" },
    hostile: { type: "string", default: "1,2,4" },
    devices: { type: "string", default: "10" },
    rounds: { type: "string", default: "10" },
    "dropout-rate": { type: "string", default: "0.3" },
    seeds: { type: "string", default: "0" },
    "held-out": { type: "string", default: "64" },
    minutes: { type: "string", default: "60" },
    csv: { type: "string", default: CSV },
    trace: { type: "boolean", default: false },
  },
});

/** What a hostile device sends in place of its honest change. */
const ATTACKS: Readonly<Record<string, (honest: Float32Array, uniform: () => number) => Float32Array>> = {
  none: (honest) => honest,
  "sign-flip": (honest) => honest.map((change) => -change),
  "flip-x10": (honest) => honest.map((change) => -10 * change),
  x10: (honest) => honest.map((change) => 10 * change),
  x100: (honest) => honest.map((change) => Math.max(-32, Math.min(32, 100 * change))),
  "random-32": (honest, uniform) => honest.map(() => 64 * uniform() - 32),
  "random-small": (honest, uniform) => honest.map(() => 0.2 * uniform() - 0.1),
  // Trains in earnest, but on texts whose every token was replaced by another.
  "label-flip": (honest) => honest,
};

interface Trial {
  readonly rule: Aggregation;
  readonly attack: string;
  readonly hostile: number;
  readonly seed: string;
}

const until = Date.now() + 60_000 * Number(flags.minutes);
const devices = Number(flags.devices);
const rounds = Number(flags.rounds);
const definition = taskDefinition("presidents");
const { recommended } = definition;
const training = {
  ...DEFAULT_RUN_CONFIG.training,
  localSteps: recommended.localSteps,
  batchSize: recommended.batchSize,
  learningRate: recommended.learningRate,
  sequenceLength: recommended.sequenceLength,
};
const { model, tokenizer } = await readModel(fileURLToPath(new URL("../models/base", import.meta.url)));
const shape = adapterShape(model.config, {
  rank: recommended.rank,
  alpha: 2 * recommended.rank,
  targetModules: DEFAULT_RUN_CONFIG.targetModules,
});
const trainer = await createTrainer({ backend: "wasm", model, adapter: shape, wasmHost: nodeHost(1) });

const HEADER = "rule,attack,hostile,devices,rounds,dropout,seed,loss0,loss,clipped,honestClipped\n";
await mkdir(dirname(flags.csv), { recursive: true });
const known = await readFile(flags.csv, "utf8").catch(() => "");
if (known === "") await writeFile(flags.csv, HEADER);
const keyOf = ({ rule, attack, hostile, seed }: Trial): string =>
  [rule, attack, hostile, devices, rounds, flags["dropout-rate"], seed].join();

const trials = flags.seeds.split(",").flatMap((seed) =>
  flags.rules.split(",").flatMap((rule) =>
    // What each is compared with goes first.
    ["none", ...flags.attacks.split(",").filter((attack) => attack !== "none")].flatMap((attack) =>
      (attack === "none" ? ["0"] : flags.hostile.split(",")).map(
        (hostile): Trial => ({ rule: rule as Aggregation, attack, hostile: Number(hostile), seed }),
      ),
    ),
  ),
);
await tabulate();
let longestMs = 0;
for (const trial of trials) {
  if (known.split("\n").some((line) => line.startsWith(`${keyOf(trial)},`))) continue;
  const startedMs = Date.now();
  if (startedMs + longestMs > until) break;
  const row = await run(trial);
  longestMs = Math.max(longestMs, Date.now() - startedMs);
  await appendFile(flags.csv, `${keyOf(trial)},${row.join()}\n`);
  await tabulate();
  console.log(`${keyOf(trial)}: ${row.join(" ")} (${((Date.now() - startedMs) / 1000).toFixed(0)} s)`);
}
trainer.dispose();

/** The document's table is the file's, so that it cannot say anything else. */
async function tabulate(): Promise<void> {
  if (resolve(flags.csv) !== CSV) return;
  const text = await readFile(DOCUMENT, "utf8");
  const table = robustnessTable(await readFile(flags.csv, "utf8"));
  await writeFile(DOCUMENT, withTable(text, table));
}

async function run({ rule, attack, hostile, seed }: Trial): Promise<readonly (string | number)[]> {
  const task = await prepareTask("presidents", {
    devices,
    rule: recommended.split,
    seed,
    samplesPerDevice: recommended.samplesPerDevice,
    sequenceLength: recommended.sequenceLength,
    heldOutSamples: Number(flags["held-out"]),
  });
  const datasetOf = (samples: Parameters<typeof datasetFromSamples>[0]): Dataset =>
    datasetFromSamples(samples, tokenizer, {
      kind: "language-model",
      sequenceLength: training.sequenceLength,
    });
  const honest = task.devices.map(({ train }) => datasetOf(train));
  const datasets = honest.map((dataset, k) =>
    attack === "label-flip" && k < hostile ? withWrongTokens(dataset) : dataset,
  );
  const heldOut = datasetOf(task.heldOut);
  const isHostile = (participantId: string): boolean => Number(participantId.slice(1)) <= hostile;
  const forge = ATTACKS[attack];
  if (!forge)
    throw new Error(`--attacks: expected some of ${Object.keys(ATTACKS).join(", ")}, got ${attack}`);

  const outcomes: RoundOutcome[] = [];
  const federation = {
    trainer,
    shape,
    devices: simulatedDevices(datasets),
    config: resolveRunConfig({
      seed,
      rounds,
      training,
      method: "fixed",
      dropoutRate: Number(flags["dropout-rate"]),
      aggregation: rule,
    }),
    tamper: (participantId: string, round: number, changes: Float32Array): Float32Array =>
      isHostile(participantId)
        ? forge(changes, createRandom("hostile", seed, round, participantId).uniform)
        : changes,
  };
  const loss = async (adapter?: Float32Array): Promise<number> =>
    (await trainer.evaluate(heldOut, adapter)).loss;
  const before = await loss();
  for await (const outcome of federate(federation)) {
    outcomes.push(outcome);
    if (flags.trace) await trace(outcome, await loss(outcome.adapter));
  }
  const admissions = outcomes.flatMap(({ admissions }) => admissions);
  const clipped = (of: typeof admissions): string =>
    of.length === 0 ? "" : (of.filter(({ factor }) => factor < 1).length / of.length).toFixed(3);
  return [
    before.toFixed(4),
    (await loss((outcomes.at(-1) as RoundOutcome).adapter)).toFixed(4),
    clipped(admissions.filter(({ participantId }) => isHostile(participantId))),
    clipped(admissions.filter(({ participantId }) => !isHostile(participantId))),
  ];
}

function withWrongTokens(dataset: Dataset): Dataset {
  if (dataset.kind !== "language-model") throw new Error("expected a language model's dataset");
  const last = model.config.vocabularySize - 1;
  return { ...dataset, windows: dataset.windows.map((window) => window.map((id) => last - id)) };
}

function trace({ round, admissions, agreements }: RoundOutcome, loss: number): void {
  console.log(
    `  round ${round}: ${loss.toFixed(4)}; ${admissions
      .map(
        ({ participantId, rms, product, factor }) =>
          `${participantId} ${rms.toPrecision(3)}/${product.toPrecision(3)}/${agreements.get(participantId)?.toFixed(1)}/${factor.toPrecision(2)}`,
      )
      .join(" ")}`,
  );
}
