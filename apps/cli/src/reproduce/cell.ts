/** A cell: one arm on one task with one seed and learning rate, from the untrained adapter to its last round. */
import { isDirect, type PlanOptions } from "@fedlodrop/federation";
import { type Dataset, joinDatasets } from "@fedlodrop/lm";
import type { DeviceFacts } from "@fedlodrop/protocol";
import { type RoundRecord, type RunConfig, type RunOverrides, resolveRunConfig } from "@fedlodrop/run";
import { taskDefaults } from "../workload.ts";
import { ARMS, type ArmName, type Variant } from "./arms.ts";
import { simulatedDevices } from "./device-model.ts";
import { federate } from "./in-process-federation.ts";
import { type Lab, openLab } from "./lab.ts";
import { type Rig, rigOf } from "./rig.ts";
import { steering } from "./steering.ts";

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
  /** Mean of the devices' dropout rates in the round. */
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

export interface CellSize {
  /** Windows or samples of each measured set. */
  readonly samples: number;
  /** Rounds between measurements. */
  readonly every: number;
  /** Null is the task's own. */
  readonly rounds: number | null;
  /** Settings between the task's own and the arm's. */
  readonly settings?: RunOverrides;
}

/** Where a cell's devices are, other than figures have them. */
export interface CellWorld {
  /** Of each device, beside a steady laptop's. */
  readonly facts?: readonly Partial<DeviceFacts>[];
  /** A clock and a budget for solvers; without, they take as long as they take. */
  readonly planning?: PlanOptions;
  readonly onRound?: (record: RoundRecord) => void;
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

export async function runCell(
  key: CellKey,
  size: CellSize,
  { facts = [], ...world }: CellWorld = {},
): Promise<readonly Point[]> {
  const config = await configOf(key, size);
  const lab = await openLab(config, size.samples);
  const devices = lab.devices.map((device, k) => ({ ...device, facts: { ...device.facts, ...facts[k] } }));
  try {
    return await pointsOf({ ...lab, devices }, config, ARMS[key.arm].variant, {
      every: size.every,
      ...world,
    });
  } finally {
    lab.close();
  }
}

type Following = Pick<CellSize, "every"> & Omit<CellWorld, "facts">;

/** Of the devices together, or of each for itself, or of one that has all texts. */
async function pointsOf(
  lab: Lab,
  config: RunConfig,
  variant: Variant | undefined,
  following: Following,
): Promise<readonly Point[]> {
  const { devices } = lab;
  if (variant?.kind === "alone") {
    const each: (readonly Point[])[] = [];
    for (const device of devices)
      each.push(await trajectory({ ...lab, devices: [device] }, config, variant, following));
    return (each[0] ?? []).map((_, i) => meanPoint(each.map((points) => points[i] as Point)));
  }
  if (variant?.kind === "pooled") {
    const localSteps = config.training.localSteps * devices.length;
    const all = simulatedDevices([joinDatasets(devices.map(({ dataset }) => dataset)) as Dataset]);
    const own = { ...config, training: { ...config.training, localSteps } };
    return (await trajectory({ ...lab, devices: all }, own, variant, following)).map(unsent);
  }
  return trajectory(lab, config, variant, following);
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
  following: Following,
): Promise<readonly Point[]> {
  const rig = rigOf(variant, lab, config);
  try {
    return await follow(lab, rig, config, following);
  } finally {
    rig.close();
  }
}

async function follow(
  lab: Lab,
  rig: Rig,
  config: RunConfig,
  { every, planning, onRound }: Following,
): Promise<readonly Point[]> {
  const { shape, devices, train, choose, report } = lab;
  const { trainer } = rig;
  const points: Point[] = [];
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
  await measure(0, 0);
  for await (const { round, adapter, record } of federate({
    ...rig,
    shape,
    config,
    devices,
    ...(planning && { planning }),
    ...(!isDirect(config.method) && {
      evaluate: steering({
        train: async (own) => (await trainer.evaluate(train, own)).loss,
        heldOut: async (own) => (await trainer.evaluate(choose, own)).loss,
      }),
    }),
  })) {
    onRound?.(record);
    const { participants } = record;
    for (const { bytesDown, bytesUp, energyJoules } of participants) {
      bytes += bytesDown + bytesUp;
      joules += energyJoules ?? 0;
    }
    seconds += record.seconds;
    const rates = participants.map(({ dropoutRate }) => dropoutRate);
    if (round % every === 0 || round === config.rounds)
      await measure(round, rates.reduce((a, b) => a + b, 0) / Math.max(1, rates.length), adapter);
  }
  return points;
}
