/** What a figure was made of, for whoever wants the same again: sizes, seeds, learning rates, and the commands that run it. */
import type { Cell } from "./cells.ts";
import type { Table } from "./figure.ts";
import { type LimitedRun, type LimitedStudy, settingName } from "./limited.ts";
import { groupsOf, playedArm, type StudiedArm } from "./studied.ts";
import { FULL_STUDY, QUICK_STUDY } from "./study.ts";
import { TUNING_SEED } from "./tuning.ts";

/** Where finished cells are, by which figure of the command. */
export interface Kept {
  readonly figure: string;
  /** All of the folder's, those that only tune included. */
  readonly cells: readonly Cell[];
  readonly folder: string;
  /** Of those cells. */
  readonly csv: string;
  readonly isQuick: boolean;
}

/** Of the arms that a figure compares, one row for what one command runs. */
export function provenanceOf(studied: readonly StudiedArm[], kept: Kept): Table {
  return {
    columns: [
      ...["task", "devices", "arms", "rounds", "measured every", "samples of a set"],
      ...["tuning seed", "learning rates tried", "reporting seeds", "command"],
    ],
    rows: groupsOf(studied).map((group) => {
      const tried = new Set(group.flatMap((own) => ratesTried(own, kept)));
      return rowOf(group, [...tried].sort((a, b) => a - b).join(), kept);
    }),
  };
}

const ratesTried = ({ task, devices, arm }: StudiedArm, { cells }: Kept): readonly number[] => {
  const own = cells.filter(
    (cell) => cell.seed === TUNING_SEED && cell.task === task && cell.devices === devices && cell.arm === arm,
  );
  return own.map(({ learningRate }) => learningRate);
};

function rowOf(arms: readonly StudiedArm[], rates: string, kept: Kept): Table["rows"][number] {
  const [{ task, devices, seeds, cells, isTuningOnly }] = arms as [StudiedArm];
  const [from, next, ...more] = (cells[0]?.points ?? []).map(({ round }) => round);
  const [every, rounds] = [(next ?? 0) - (from ?? 0), more.at(-1) ?? next ?? 0];
  const study = kept.isQuick ? QUICK_STUDY : FULL_STUDY;
  const isOfItsSize = study.size.every === every && study.size.rounds === rounds;
  const isWhole =
    isOfItsSize &&
    study.devices === devices &&
    study.tasks.includes(task) &&
    beginsWith(study.learningRates, rates);
  const reporting = isTuningOnly ? [] : seeds;
  const played = new Set(arms.map(({ arm }) => playedArm(arm)));
  const command = isWhole
    ? studyCommand(reporting, kept)
    : `npx tsx bench/regret.ts --tasks ${task} --devices ${devices} --arms "${[...played].join()}" --seeds ${Math.max(1, seedCount(reporting))}${beginsWith(FULL_STUDY.learningRates, rates) ? "" : ` --learning-rates ${rates}`} --rounds ${rounds} --csv ${kept.csv}`;
  return [
    ...[task, devices, arms.map(({ arm }) => arm).join(", "), rounds, every],
    // Cells do not say it: it is the study's whose rounds and measurements they have.
    isOfItsSize ? study.size.samples : null,
    ...[TUNING_SEED, rates.replaceAll(",", ", "), isTuningOnly ? "none, the tuning seed" : seeds.join(", ")],
    command,
  ];
}

/** Further ones are tried of themselves where an arm's best is the first or the last. */
const beginsWith = (first: readonly number[], tried: string): boolean =>
  first.every((rate) => tried.split(",").map(Number).includes(rate));

const seedCount = (seeds: readonly string[]): number => Math.max(0, ...seeds.map(Number));

const studyCommand = (reporting: readonly string[], { figure, folder, isQuick }: Kept): string =>
  [
    `npx fedlodrop reproduce ${figure}`,
    ...(isQuick ? ["--quick"] : []),
    ...(reporting.length > 0 ? [`--seeds ${seedCount(reporting)}`] : []),
    `--out ${folder}`,
  ].join(" ");

/** Of runs under limits: a row for each, over the seeds that it has. */
export function limitedProvenance(
  { task, size }: Omit<LimitedStudy, "seeds">,
  runs: readonly LimitedRun[],
  commandOf: (seeds: number) => string,
): Table {
  const settings = [...new Set(runs.map(settingName))];
  return {
    columns: [
      ...["setting", "task", "rounds", "samples of a set"],
      ...["tuning seed", "learning rates", "reporting seeds", "command"],
    ],
    rows: settings.map((name) => {
      const own = runs.filter((run) => settingName(run) === name);
      const seeds = [...new Set(own.map(({ seed }) => seed))].sort();
      const rates = new Set(own.map(({ arm, learningRate }) => `${arm} ${learningRate}`));
      return [
        ...[name, task, size.rounds, size.samples],
        ...[TUNING_SEED, [...rates].join(", "), seeds.join(", "), commandOf(seedCount(seeds))],
      ];
    }),
  };
}

/** What one command makes all of. */
export const withCommand = ({ columns, rows }: Table, command: string): Table => ({
  columns: [...columns, "command"],
  rows: rows.map((row) => [...row, command]),
});
