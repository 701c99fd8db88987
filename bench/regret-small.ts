/**
 * The regret of live rates on a model small enough for many seeds: real masks, planner, updates and aggregation, but a
 * softmax of one adapted matrix instead of the language model (apps/cli/src/simulate/small-model.ts).
 *
 *   npx tsx bench/regret-small.ts [--seeds 5] [--devices 4,8] [--csv docs/results/regret-small.csv]
 *
 * Every arm at the learning rate that its last round was best at on the choosing texts; the loss is of others.
 */
import { appendFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { type RunOverrides, resolveRunConfig } from "@fedlodrop/run";
import { steadyLaptop } from "../apps/cli/src/reproduce/device-model.ts";
import { mean, standardError } from "../apps/cli/src/reproduce/figure.ts";
import { federate } from "../apps/cli/src/reproduce/in-process-federation.ts";
import { steering } from "../apps/cli/src/reproduce/steering.ts";
import {
  createSmallWorld,
  join,
  SMALL_WORLD,
  type SmallDataset,
  smallLoss,
  smallTrainer,
} from "../apps/cli/src/simulate/small-model.ts";

const { values: flags } = parseArgs({
  options: {
    seeds: { type: "string", default: "5" },
    devices: { type: "string", default: "4,8" },
    csv: { type: "string", default: "docs/results/regret-small.csv" },
  },
});
const LEARNING_RATES = [0.01, 0.03];
const ARMS: Readonly<Record<string, RunOverrides>> = {
  ...Object.fromEntries(
    Array.from({ length: 10 }, (_, i) => [
      `fixed ${i / 10}`,
      { method: "fixed", dropoutRate: i / 10 } as const,
    ]),
  ),
  "branch-and-bound": { method: "branch-and-bound" },
  "branch-and-bound theorem": { method: "branch-and-bound", bound: "theorem" },
};

interface Outcome {
  readonly last: { readonly choose: number; readonly report: number };
  /** Where the choosing texts would have stopped. */
  readonly stopped: number;
}

const columns = "devices,arm,learning_rate,seeds,held_out,held_out_error,stopped,regret_percent";
await writeFile(flags.csv, `${columns}\n`);
console.log(columns);
for (const devices of flags.devices.split(",").map(Number)) {
  const rows = [];
  for (const [arm, settings] of Object.entries(ARMS)) {
    const tried = [];
    for (const learningRate of LEARNING_RATES) {
      const outcomes: Outcome[] = [];
      for (let seed = 0; seed < Number(flags.seeds); seed++)
        outcomes.push(await run(settings, devices, learningRate, String(seed)));
      tried.push({ arm, learningRate, outcomes, choose: mean(outcomes.map(({ last }) => last.choose)) });
    }
    rows.push(tried.reduce((best, own) => (own.choose < best.choose ? own : best)));
  }
  const heldOut = (outcomes: readonly Outcome[]): number[] => outcomes.map(({ last }) => last.report);
  const best = Math.min(
    ...rows.filter(({ arm }) => arm.startsWith("fixed")).map(({ outcomes }) => mean(heldOut(outcomes))),
  );
  for (const { arm, learningRate, outcomes } of rows) {
    const loss = mean(heldOut(outcomes));
    const line = [
      devices,
      arm,
      learningRate,
      outcomes.length,
      loss.toFixed(4),
      standardError(heldOut(outcomes))?.toFixed(4) ?? "",
      mean(outcomes.map(({ stopped }) => stopped)).toFixed(4),
      (100 * (loss / best - 1)).toFixed(2),
    ].join();
    console.log(line);
    await appendFile(flags.csv, `${line}\n`);
  }
}

async function run(
  settings: RunOverrides,
  devices: number,
  learningRate: number,
  seed: string,
): Promise<Outcome> {
  const world = createSmallWorld({ ...SMALL_WORLD, devices, heldOutSamples: 800, seed });
  const [choose, report] = [half(world.heldOut, 0), half(world.heldOut, 1)];
  const train = join(world.devices);
  const config = resolveRunConfig({
    ...settings,
    seed,
    rounds: 20,
    training: { localSteps: 8, batchSize: 4, learningRate },
  });
  const points: Outcome["last"][] = [];
  for await (const { adapter } of federate({
    trainer: smallTrainer(world),
    shape: world.shape,
    config,
    devices: world.devices.map((dataset, k) => ({
      id: `p${k + 1}`,
      dataset,
      ...steadyLaptop(dataset.labels.length),
    })),
    evaluate: steering(async (own) => ({
      trainLoss: smallLoss(world, train, own),
      testLoss: smallLoss(world, choose, own),
    })),
  }))
    points.push({ choose: smallLoss(world, choose, adapter), report: smallLoss(world, report, adapter) });
  const last = points.at(-1);
  if (last === undefined) throw new Error("expected some rounds");
  return { last, stopped: points.reduce((a, b) => (b.choose < a.choose ? b : a)).report };
}

/** Every other sample, from the first or the second on. */
function half({ inputs, labels }: SmallDataset, from: 0 | 1): SmallDataset {
  const width = inputs.length / labels.length;
  const rows = [...labels.keys()].filter((row) => row % 2 === from);
  return {
    inputs: Float64Array.from(rows.flatMap((row) => [...inputs.slice(row * width, (row + 1) * width)])),
    labels: Int32Array.from(rows, (row) => labels[row] as number),
  };
}
