/**
 * The language model where limits bind: four devices, two of them slow, in the emulated radio cell, under pairs of T_max and E_max.
 * Solvers keep to both; whoever breaks one is out of that round, so that all methods have the same time and the same joules
 * to spend. Every arm has the learning rate that it was best with where nothing binds.
 */
import type { ArmName } from "./arms.ts";
import type { CellSize } from "./cell.ts";
import { playCells } from "./cell-pool.ts";
import type { Cell } from "./cells.ts";
import { appendRows, numberOrNone, readRows } from "./rows-file.ts";
import { tunedRate } from "./tuning.ts";

/** What rounds are held to: T_max in seconds, E_max in joules. Undropped, devices take 2 to 9 s and 3 to 6 J in four. */
interface Limits {
  readonly name: string;
  readonly deadlineSeconds: number;
  readonly energyLimitJoules: number;
}

export interface LimitedStudy {
  readonly task: string;
  readonly limits: readonly Limits[];
  readonly arms: readonly ArmName[];
  /** Seconds that each device takes for a step. */
  readonly stepSeconds: readonly number[];
  readonly seeds: number;
  readonly size: CellSize;
}

/** A limit that does not bind. */
const [AMPLE_SECONDS, AMPLE_JOULES] = [60, 100];
const deadline = (deadlineSeconds: number): Limits => ({
  name: `T_max ${deadlineSeconds} s`,
  deadlineSeconds,
  energyLimitJoules: AMPLE_JOULES,
});
const energy = (energyLimitJoules: number): Limits => ({
  name: `E_max ${energyLimitJoules} J`,
  deadlineSeconds: AMPLE_SECONDS,
  energyLimitJoules,
});

export const FULL_LIMITED: Omit<LimitedStudy, "seeds"> = {
  task: "presidents",
  limits: [deadline(6), deadline(4), energy(3)],
  arms: ["branch-and-bound", "p-sca", "greedy", "equal", "random", "fixed 0", "fixed 0.5", "fixed 0.7"],
  stepSeconds: [0.05, 0.05, 0.1, 0.15],
  size: { samples: 64, every: 12, rounds: 12, solverSeconds: 1 },
};

/** Too short and too small to decide anything. */
export const QUICK_LIMITED: Omit<LimitedStudy, "seeds"> = {
  task: "presidents",
  limits: [deadline(2)],
  arms: ["branch-and-bound", "fixed 0.5"],
  stepSeconds: [0.05, 0.1],
  size: { samples: 16, every: 2, rounds: 2 },
};

/** What became of one seed under limits; loss in nats of the half that only reports, after the last round. */
export interface LimitedRun {
  readonly limits: string;
  readonly arm: string;
  readonly learningRate: number;
  readonly seed: string;
  readonly heldOut: number;
  /** Of devices and rounds, those whose update came in; and their mean dropout rate. */
  readonly tookPart: number;
  /** Null where none did. */
  readonly dropoutRate: number | null;
  /** Of all devices and rounds. */
  readonly joules: number;
}

const COLUMNS = [
  "limits",
  "arm",
  "learning_rate",
  "seed",
  "held_out",
  "took_part",
  "dropout_rate",
  "joules",
] as const;
const keyOf = ({
  limits,
  arm,
  learningRate,
  seed,
}: Pick<LimitedRun, "limits" | "arm" | "learningRate" | "seed">): string =>
  [limits, arm, learningRate, seed].join();

/** @throws in one line when the file is another table. */
export async function readLimited(csv: string): Promise<readonly LimitedRun[]> {
  const rows = await readRows(csv, COLUMNS);
  return rows.map((row) => ({
    limits: row.text("limits"),
    arm: row.text("arm"),
    learningRate: row.number("learning_rate"),
    seed: row.text("seed"),
    heldOut: row.number("held_out"),
    tookPart: row.number("took_part"),
    dropoutRate: numberOrNone(row, "dropout_rate"),
    joules: row.number("joules"),
  }));
}

/** Those at the learning rate that each arm has by now: more rates may have been tried since. @param tuning as of `runLimited` */
export const tunedRuns = (
  runs: readonly LimitedRun[],
  { task, stepSeconds }: Pick<LimitedStudy, "task" | "stepSeconds">,
  tuning: readonly Cell[],
): readonly LimitedRun[] =>
  runs.filter(
    ({ arm, learningRate }) =>
      learningRate === tunedRate(tuning, { task, devices: stepSeconds.length, arm: arm as ArmName }),
  );

/** Runs what is missing. @param tuning cells that learning rates are chosen by */
export async function runLimited(
  study: LimitedStudy,
  tuning: readonly Cell[],
  csv: string,
  say: (line: string) => void,
): Promise<void> {
  const { task, stepSeconds, seeds, size } = study;
  const devices = stepSeconds.length;
  const facts = stepSeconds.map((own) => ({
    stepSeconds: own,
    energyProfile: {
      kind: "cpu",
      computeWatts: 2,
      radioWatts: 1,
      batteryWattHours: null,
      source: "modelled",
    } as const,
  }));
  const known = new Set((await readLimited(csv)).map(keyOf));
  const jobs = Array.from({ length: seeds }, (_, i) => String(i + 1)).flatMap((seed) =>
    study.limits.flatMap(({ name, ...limits }) =>
      study.arms.flatMap((arm) => {
        const learningRate = tunedRate(tuning, { task, devices, arm });
        if (learningRate === null)
          throw new Error(`${task}, ${arm}: no learning rate has been tuned for ${devices} devices`);
        if (known.has(keyOf({ limits: name, arm, learningRate, seed }))) return [];
        const settings = { ...size.settings, ...limits, links: "emulated" as const };
        return [
          {
            where: name,
            key: { task, devices, arm, learningRate, seed },
            size: { ...size, settings, facts },
          },
        ];
      }),
    ),
  );
  await playCells(
    jobs,
    async ({ where, key: { arm, learningRate, seed } }, { points, tookPart, dropoutRate }) => {
      const { report, joules } = points.at(-1) as (typeof points)[number];
      await appendRows(csv, COLUMNS, [
        {
          limits: where,
          arm,
          learning_rate: learningRate,
          seed,
          held_out: report.toFixed(5),
          took_part: tookPart.toFixed(4),
          dropout_rate: dropoutRate?.toFixed(4) ?? "",
          joules: joules.toFixed(2),
        },
      ]);
    },
    say,
  );
}
