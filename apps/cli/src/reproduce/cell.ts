/** A cell: one arm on one task with one seed and learning rate, from the untrained adapter to its last round. */
import { isDirect } from "@fedlodrop/federation";
import { type Dataset, joinDatasets } from "@fedlodrop/lm";
import type { DeviceFacts } from "@fedlodrop/protocol";
import { type RunConfig, type RunOverrides, resolveRunConfig } from "@fedlodrop/run";
import { taskDefaults } from "../workload.ts";
import { ARMS, type ArmName, type Variant } from "./arms.ts";
import { simulatedDevices } from "./device-model.ts";
import { federate } from "./in-process-federation.ts";
import { type Lab, openLab } from "./lab.ts";
import { type Rig, rigOf } from "./rig.ts";
import { calibrated, type Estimator } from "./steering.ts";

export interface CellKey {
  readonly task: string;
  readonly devices: number;
  readonly arm: ArmName;
  readonly learningRate: number;
  readonly seed: string;
}

/** How an arm stands after a round: losses in nats of the full adapter, sums over devices and rounds so far. */
export interface Point {
  readonly round: number;
  /** Mean of the devices' dropout rates in the round; 0 where its plan had nobody. */
  readonly dropoutRate: number;
  readonly train: number;
  /** On the held-out half that may choose, and on the one that only reports. */
  readonly choose: number;
  readonly report: number;
  /** Of the reporting half; null for a language model. */
  readonly accuracy: number | null;
  readonly bytes: number;
  /** Modelled: of the slowest device, round by round. */
  readonly seconds: number;
  readonly joules: number;
}

/** What became of one seed, the untrained adapter first. */
export interface Trajectory {
  readonly points: readonly Point[];
}

/** A cell that has been run. */
export interface Played extends Trajectory {
  /** Of devices and rounds, those whose updates came in, and the mean of their dropout rates, null where none did. What trains
   *  alone, or pooled, is the first device. */
  readonly tookPart: number;
  readonly dropoutRate: number | null;
}

export interface CellSize {
  /** Windows or samples of each measured set. */
  readonly samples: number;
  /** Rounds between measurements. */
  readonly every: number;
  /** Null is the task's own. */
  readonly rounds: number | null;
  /** Settings between the task's own and the arm's. */
  readonly settings?: RunOverrides;
  /** What devices are, the first's first, where they are no steady laptops. */
  readonly facts?: readonly Partial<DeviceFacts>[];
  /** What a round's solver may take, as in a run, where a proof of the optimum could take minutes; no end to it when absent. */
  readonly solverSeconds?: number;
  /** What live methods choose by, in place of what a run's planner does. */
  readonly estimator?: Estimator;
}

async function configOf(
  { task, devices, arm, learningRate, seed }: CellKey,
  { rounds, settings = {} }: CellSize,
): Promise<RunConfig> {
  const own = await taskDefaults(task);
  const { variant: _, ablates: __, ...overrides } = ARMS[arm];
  return resolveRunConfig({
    ...own,
    ...settings,
    ...overrides,
    devices,
    seed,
    ...(rounds !== null && { rounds }),
    training: { ...own.training, ...settings.training, ...overrides.training, learningRate },
  });
}

type Pace = Pick<CellSize, "every" | "solverSeconds" | "estimator">;

export async function runCell(key: CellKey, { facts = [], ...size }: CellSize): Promise<Played> {
  const config = await configOf(key, size);
  const lab = await openLab(config, size.samples);
  const devices = lab.devices.map((device, k) => ({ ...device, facts: { ...device.facts, ...facts[k] } }));
  try {
    return await played({ ...lab, devices }, config, ARMS[key.arm].variant, size);
  } finally {
    lab.close();
  }
}

/** Of the devices together, or of each for itself, or of one that has all texts. */
async function played(
  lab: Lab,
  config: RunConfig,
  variant: Variant | undefined,
  size: Pace,
): Promise<Played> {
  const { devices } = lab;
  if (variant?.kind === "alone") {
    const each: Played[] = [];
    for (const device of devices)
      each.push(await trajectory({ ...lab, devices: [device] }, config, variant, size));
    const [first] = each as [Played];
    return {
      ...first,
      points: first.points.map((_, i) => meanPoint(each.map(({ points }) => points[i] as Point))),
    };
  }
  if (variant?.kind === "pooled") {
    const localSteps = config.training.localSteps * devices.length;
    const all = simulatedDevices([joinDatasets(devices.map(({ dataset }) => dataset)) as Dataset]);
    const own = { ...config, training: { ...config.training, localSteps } };
    const { points, ...rest } = await trajectory({ ...lab, devices: all }, own, variant, size);
    return { ...rest, points: points.map(unsent) };
  }
  return trajectory(lab, config, variant, size);
}

/** Devices that train for themselves work side by side and send nothing. */
function meanPoint(points: readonly Point[]): Point {
  const mean = (of: (point: Point) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [first] = points as [Point];
  return unsent({
    ...first,
    train: mean(({ train }) => train),
    choose: mean(({ choose }) => choose),
    report: mean(({ report }) => report),
    accuracy: first.accuracy === null ? null : mean(({ accuracy }) => accuracy as number),
    joules: points.reduce((sum, { joules }) => sum + joules, 0),
  });
}

/** Texts would have to travel, or nothing does: no bytes that compare with a federation's. */
const unsent = (point: Point): Point => ({ ...point, bytes: 0 });

async function trajectory(
  lab: Lab,
  config: RunConfig,
  variant: Variant | undefined,
  size: Pace,
): Promise<Played> {
  const rig = rigOf(variant, lab, config);
  try {
    return await follow(lab, rig, config, size);
  } finally {
    rig.close();
  }
}

async function follow(
  lab: Lab,
  rig: Rig,
  config: RunConfig,
  { every, solverSeconds, estimator = calibrated }: Pace,
): Promise<Played> {
  const { shape, devices, train, choose, report } = lab;
  const { trainer } = rig;
  const points: Point[] = [];
  const counted: number[] = [];
  let [bytes, seconds, joules] = [0, 0, 0];
  const measure = async (round: number, dropoutRate: number, adapter?: Float32Array): Promise<void> => {
    const reported = await trainer.evaluate(report, adapter);
    points.push({
      round,
      dropoutRate,
      train: (await trainer.evaluate(train, adapter)).loss,
      choose: (await trainer.evaluate(choose, adapter)).loss,
      report: reported.loss,
      accuracy: reported.accuracy ?? null,
      bytes,
      seconds,
      joules,
    });
  };
  const { evaluate, estimate } = estimator({
    train: async (own) => (await trainer.evaluate(train, own)).loss,
    heldOut: async (own) => (await trainer.evaluate(choose, own)).loss,
  });
  await measure(0, 0);
  for await (const { round, adapter, record } of federate({
    ...rig,
    shape,
    config,
    devices,
    planning: {
      estimate,
      ...(solverSeconds !== undefined && {
        now: () => performance.now(),
        timeBudgetMilliseconds: 1000 * solverSeconds,
      }),
    },
    ...(!isDirect(config.method) && { evaluate }),
  })) {
    const { participants } = record;
    for (const { bytesDown, bytesUp, energyJoules } of participants) {
      bytes += bytesDown + bytesUp;
      joules += energyJoules ?? 0;
    }
    seconds += record.seconds;
    counted.push(
      ...participants.flatMap(({ outcome, dropoutRate }) => (outcome === "aggregated" ? [dropoutRate] : [])),
    );
    if (round % every === 0 || round === config.rounds)
      await measure(round, meanOr0(participants.map(({ dropoutRate }) => dropoutRate)), adapter);
  }
  const tookPart = counted.length / (devices.length * config.rounds);
  return { points, tookPart, dropoutRate: counted.length === 0 ? null : meanOr0(counted) };
}

const meanOr0 = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
