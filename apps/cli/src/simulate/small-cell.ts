/** One run of the small model: real masks, planner, updates and aggregation over twenty rounds. */
import type { PlanOptions } from "@fedlodrop/federation";
import type { DeviceFacts } from "@fedlodrop/protocol";
import { type RunOverrides, resolveRunConfig } from "@fedlodrop/run";
import { steadyLaptop } from "../reproduce/device-model.ts";
import { mean } from "../reproduce/figure.ts";
import { federate } from "../reproduce/in-process-federation.ts";
import { type RuleVariant, rulesOf } from "../reproduce/rig.ts";
import { calibrated, type Estimator, type Measured } from "../reproduce/steering.ts";
import {
  createSmallWorld,
  join,
  SMALL_WORLD,
  type SmallDataset,
  type SmallWorld,
  type SmallWorldTerms,
  smallLoss,
  smallTrainer,
} from "./small-model.ts";

export interface SmallCell {
  readonly settings: RunOverrides;
  readonly devices: number;
  readonly learningRate: number;
  readonly seed: string;
  /** Without its devices and seed; the world that figures use when absent. */
  readonly world?: SmallWorldTerms;
  /** Samples of the half that may choose; 400 when absent, as many as report. */
  readonly choosing?: number;
  /** What a federation does otherwise than a run can. */
  readonly variant?: RuleVariant;
  /** What live methods choose by, in place of what a run's planner does. */
  readonly estimator?: SmallEstimator;
  /** A clock and a budget for solvers; without, they take as long as they take. */
  readonly planning?: PlanOptions;
  /** Of every device; a steady laptop's when absent. */
  readonly facts?: Partial<DeviceFacts>;
}

export type SmallEstimator = (
  measured: Measured,
  world: SmallWorld,
) => ReturnType<Estimator> & {
  /** What devices train on, where they keep some of theirs back. */
  readonly trainedOn?: readonly SmallDataset[];
};

export interface SmallOutcome {
  /** Held-out loss after the last round, on the half that may choose and on the other. */
  readonly last: { readonly choose: number; readonly report: number };
  /** Where the choosing half would have stopped, on the other. */
  readonly stopped: number;
  /** Of the devices that a round could have, those whose updates came in; mean over the rounds. */
  readonly tookPart: number;
  /** Mean dropout rate of those, over the rounds. */
  readonly dropoutRate: number;
  /** Of all devices and rounds. */
  readonly joules: number;
}

/** Samples that no device has: one half chooses, the other reports. */
const HELD_OUT = 800;

export async function runSmallCell({
  settings,
  devices,
  learningRate,
  seed,
  world: terms = SMALL_WORLD,
  choosing = HELD_OUT / 2,
  variant,
  estimator = calibrated,
  planning = {},
  facts = {},
}: SmallCell): Promise<SmallOutcome> {
  const world = createSmallWorld({ ...terms, devices, heldOutSamples: HELD_OUT, seed });
  const choose = everySample(world.heldOut, HELD_OUT / choosing, 0);
  const report = everySample(world.heldOut, 2, 1);
  const train = join(world.devices);
  const config = resolveRunConfig({
    ...settings,
    seed,
    rounds: 20,
    training: { localSteps: 8, batchSize: 4, ...settings.training, learningRate },
  });
  const measured = {
    train: (own: Float32Array) => smallLoss(world, train, own),
    heldOut: (own: Float32Array) => smallLoss(world, choose, own),
  };
  const {
    evaluate,
    estimate,
    trainedOn = world.devices,
  }: ReturnType<SmallEstimator> = estimator(measured, world);
  const points: SmallOutcome["last"][] = [];
  const took: number[] = [];
  const rates: number[] = [];
  let joules = 0;
  for await (const { adapter, record } of federate({
    trainer: smallTrainer(world),
    shape: world.shape,
    ...(variant !== undefined && rulesOf(variant, world.shape)),
    config,
    planning: { ...planning, estimate },
    devices: trainedOn.map((dataset, k) => {
      const laptop = steadyLaptop(dataset.labels.length);
      return { id: `p${k + 1}`, dataset, ...laptop, facts: { ...laptop.facts, ...facts } };
    }),
    evaluate,
  })) {
    points.push({ choose: smallLoss(world, choose, adapter), report: smallLoss(world, report, adapter) });
    const counted = record.participants.filter(({ outcome }) => outcome === "aggregated");
    took.push(counted.length / devices);
    rates.push(...counted.map(({ dropoutRate }) => dropoutRate));
    joules += record.participants.reduce((sum, own) => sum + (own.energyJoules ?? 0), 0);
  }
  const last = points.at(-1);
  if (last === undefined) throw new Error("expected some rounds");
  return {
    last,
    stopped: points.reduce((a, b) => (b.choose < a.choose ? b : a)).report,
    tookPart: mean(took),
    dropoutRate: rates.length === 0 ? 0 : mean(rates),
    joules,
  };
}

/** Every n-th sample, from the first or the second on. */
function everySample({ inputs, labels }: SmallDataset, n: number, from: 0 | 1): SmallDataset {
  const width = inputs.length / labels.length;
  const rows = [...labels.keys()].filter((row) => row % n === from);
  return {
    inputs: Float64Array.from(rows.flatMap((row) => [...inputs.slice(row * width, (row + 1) * width)])),
    labels: Int32Array.from(rows, (row) => labels[row] as number),
  };
}
