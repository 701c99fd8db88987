/**
 * The language model where limits bind: devices, half of them slow, in the emulated radio cell, under pairs of T_max and E_max, and
 * more or fewer of them on more or fewer sub-channels. Solvers keep to both; whoever breaks one is out of that round, so that all methods
 * have the same time and the same joules to spend. Every arm has the learning rate that it was best with where nothing binds.
 */
import type { ArmName } from "./arms.ts";
import type { CellSize } from "./cell.ts";
import { playCells } from "./cell-pool.ts";
import type { Cell } from "./cells.ts";
import { appendRows, numberOrNone, readRows } from "./rows-file.ts";
import { tunedRate } from "./tuning.ts";

/** What rounds are held to. */
export interface Setting {
  /** T_max in seconds and E_max in joules; null does not bind. */
  readonly deadlineSeconds: number | null;
  readonly energyLimitJoules: number | null;
  /** K and M. */
  readonly devices: number;
  readonly subChannels: number;
}

export interface LimitedStudy {
  readonly task: string;
  readonly settings: readonly Setting[];
  readonly arms: readonly ArmName[];
  /** Seconds that devices take for a step, the first's first and round again. */
  readonly stepSeconds: readonly number[];
  readonly seeds: number;
  readonly size: CellSize;
}

/** Limits that do not bind. */
const [AMPLE_SECONDS, AMPLE_JOULES] = [60, 100];
/** Undropped, devices take 2 to 9 s and 3 to 6 J in it. */
const FOUR: Setting = { deadlineSeconds: null, energyLimitJoules: null, devices: 4, subChannels: 32 };
const SIX_SECONDS: Setting = { ...FOUR, deadlineSeconds: 6 };

export const FULL_LIMITED: Omit<LimitedStudy, "seeds"> = {
  task: "presidents",
  settings: [
    SIX_SECONDS,
    ...[4, 3].map((deadlineSeconds) => ({ ...FOUR, deadlineSeconds })),
    ...[4, 3, 2.5].map((energyLimitJoules) => ({ ...FOUR, energyLimitJoules })),
    ...[2, 8].map((devices) => ({ ...SIX_SECONDS, devices })),
    ...[16, 64].map((subChannels) => ({ ...SIX_SECONDS, subChannels })),
  ],
  arms: ["branch-and-bound", "p-sca", "greedy", "equal", "random", "fixed 0", "fixed 0.5", "fixed 0.7"],
  stepSeconds: [0.05, 0.05, 0.1, 0.15],
  size: { samples: 64, every: 12, rounds: 12, solverSeconds: 1 },
};

/** Too short and too small to decide anything. */
export const QUICK_LIMITED: Omit<LimitedStudy, "seeds"> = {
  task: "presidents",
  settings: [{ ...FOUR, devices: 2, deadlineSeconds: 2 }],
  arms: ["branch-and-bound", "fixed 0.5"],
  stepSeconds: [0.05, 0.1],
  size: { samples: 16, every: 2, rounds: 2 },
};

/** What became of one seed in a setting; loss in nats of the half that only reports, after the last round. */
export interface LimitedRun extends Setting {
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
  ...(["deadline_seconds", "energy_limit_joules", "devices", "sub_channels"] as const),
  ...(["arm", "learning_rate", "seed", "held_out", "took_part", "dropout_rate", "joules"] as const),
] as const;
const keyOf = (own: Setting & Pick<LimitedRun, "arm" | "learningRate" | "seed">): string =>
  [settingName(own), own.arm, own.learningRate, own.seed].join();

/** As limits read beside a plot: those that bind, then K and M. */
export const settingName = ({ deadlineSeconds, energyLimitJoules, devices, subChannels }: Setting): string =>
  [
    ...(deadlineSeconds === null ? [] : [`T_max ${deadlineSeconds} s`]),
    ...(energyLimitJoules === null ? [] : [`E_max ${energyLimitJoules} J`]),
    `K = ${devices}`,
    `M = ${subChannels}`,
  ].join(", ");

/** @throws in one line when the file is another table. */
export async function readLimited(csv: string): Promise<readonly LimitedRun[]> {
  const rows = await readRows(csv, COLUMNS);
  return rows.map((row) => ({
    deadlineSeconds: numberOrNone(row, "deadline_seconds"),
    energyLimitJoules: numberOrNone(row, "energy_limit_joules"),
    devices: row.number("devices"),
    subChannels: row.number("sub_channels"),
    arm: row.text("arm"),
    learningRate: row.number("learning_rate"),
    seed: row.text("seed"),
    heldOut: row.number("held_out"),
    tookPart: row.number("took_part"),
    dropoutRate: numberOrNone(row, "dropout_rate"),
    joules: row.number("joules"),
  }));
}

/** Numbers of devices that learning rates are needed for. */
export const deviceCounts = ({ settings }: Pick<LimitedStudy, "settings">): readonly number[] => [
  ...new Set(settings.map(({ devices }) => devices)),
];

/** Those at the learning rate that each arm has by now: more rates may have been tried since. @param tuning as of `runLimited` */
export const tunedRuns = (
  runs: readonly LimitedRun[],
  { task }: Pick<LimitedStudy, "task">,
  tuning: readonly Cell[],
): readonly LimitedRun[] =>
  runs.filter(
    ({ arm, devices, learningRate }) =>
      learningRate === tunedRate(tuning, { task, devices, arm: arm as ArmName }),
  );

/** Runs what is missing. @param tuning cells that learning rates are chosen by */
export async function runLimited(
  study: LimitedStudy,
  tuning: readonly Cell[],
  csv: string,
  say: (line: string) => void,
): Promise<void> {
  const { task, stepSeconds, seeds, size } = study;
  const known = new Set((await readLimited(csv)).map(keyOf));
  const jobs = Array.from({ length: seeds }, (_, i) => String(i + 1)).flatMap((seed) =>
    study.settings.flatMap((setting) =>
      study.arms.flatMap((arm) => {
        const { devices, deadlineSeconds, energyLimitJoules, subChannels } = setting;
        const learningRate = tunedRate(tuning, { task, devices, arm });
        if (learningRate === null)
          throw new Error(`${task}, ${arm}: no learning rate has been tuned for ${devices} devices`);
        if (known.has(keyOf({ ...setting, arm, learningRate, seed }))) return [];
        const settings = {
          ...size.settings,
          ...{ links: "emulated" as const, subChannels },
          deadlineSeconds: deadlineSeconds ?? AMPLE_SECONDS,
          energyLimitJoules: energyLimitJoules ?? AMPLE_JOULES,
        };
        const facts = Array.from({ length: devices }, (_, k) =>
          factsOf(stepSeconds[k % stepSeconds.length] as number),
        );
        return [
          {
            ...{ setting, where: settingName(setting) },
            key: { task, devices, arm, learningRate, seed },
            size: { ...size, settings, facts },
          },
        ];
      }),
    ),
  );
  await playCells(
    jobs,
    async ({ setting, key: { arm, learningRate, seed } }, { points, tookPart, dropoutRate }) => {
      const { report, joules } = points.at(-1) as (typeof points)[number];
      await appendRows(csv, COLUMNS, [
        {
          deadline_seconds: setting.deadlineSeconds ?? "",
          energy_limit_joules: setting.energyLimitJoules ?? "",
          devices: setting.devices,
          sub_channels: setting.subChannels,
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

const factsOf = (stepSeconds: number): NonNullable<CellSize["facts"]>[number] => ({
  stepSeconds,
  energyProfile: {
    kind: "cpu",
    computeWatts: 2,
    radioWatts: 1,
    batteryWattHours: null,
    source: "modelled",
  },
});
