/** A cell: one arm on one task with one seed and learning rate, from the untrained adapter to its last round. */
import { isDirect } from "@fedlodrop/federation";
import { type RunConfig, type RunOverrides, resolveRunConfig } from "@fedlodrop/run";
import { taskDefaults } from "../workload.ts";
import { ARMS, type ArmName } from "./arms.ts";
import { federate } from "./in-process-federation.ts";
import { type Lab, openLab } from "./lab.ts";
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

export interface CellSize {
  /** Windows or samples of each measured set. */
  readonly samples: number;
  /** Rounds between measurements. */
  readonly every: number;
  /** Null is the task's own. */
  readonly rounds: number | null;
}

function configOf({ task, devices, arm, learningRate, seed }: CellKey, { rounds }: CellSize): RunConfig {
  const own: RunOverrides = taskDefaults(task);
  return resolveRunConfig({
    ...own,
    ...ARMS[arm],
    devices,
    seed,
    ...(rounds !== null && { rounds }),
    training: { ...own.training, ...ARMS[arm].training, learningRate },
  });
}

export async function runCell(key: CellKey, size: CellSize): Promise<readonly Point[]> {
  const config = configOf(key, size);
  const lab = await openLab(config, size.samples);
  try {
    return await trajectory(lab, config, size.every);
  } finally {
    lab.close();
  }
}

async function trajectory(lab: Lab, config: RunConfig, every: number): Promise<readonly Point[]> {
  const { trainer, shape, devices, train, choose, report } = lab;
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
    trainer,
    shape,
    config,
    devices,
    ...(!isDirect(config.method) && {
      evaluate: steering(async (own) => ({
        trainLoss: (await trainer.evaluate(train, own)).loss,
        testLoss: (await trainer.evaluate(choose, own)).loss,
      })),
    }),
  })) {
    const { participants } = record;
    for (const { bytesDown, bytesUp, energyJoules } of participants) {
      bytes += bytesDown + bytesUp;
      joules += energyJoules ?? 0;
    }
    seconds += record.seconds;
    const rates = participants.map(({ dropoutRate }) => dropoutRate);
    if (round % every === 0 || round === config.rounds)
      await measure(round, rates.reduce((a, b) => a + b, 0) / rates.length, adapter);
  }
  return points;
}
