/** Finished cells as figures compare them: each arm at its own tuned learning rate, over the seeds that report. */
import { ARMS } from "./arms.ts";
import type { Point, Trajectory } from "./cell.ts";
import { type Cell, keyText } from "./cells.ts";
import { mean, standardError } from "./figure.ts";
import { bestOf, lastOf, PLAIN, TUNING_SEED, tunedRate } from "./tuning.ts";

export interface StudiedArm {
  readonly task: string;
  readonly devices: number;
  readonly arm: string;
  readonly learningRate: number;
  /** One a seed, in an order that all arms of the task have. */
  readonly cells: readonly Trajectory[];
  /** Theirs. */
  readonly seeds: readonly string[];
  /** The tuning seed is all there is: what it reports, it was also chosen by, on the other half of the texts. */
  readonly isTuningOnly: boolean;
}

/** Arms of a task are compared over the seeds that all of them have: a seed deals texts to devices, begins the adapter and draws
 *  masks, and what is held out is the same for all. Where they share none that reports, the tuning seed is all there is. */
export function studiedArms(cells: readonly Cell[]): readonly StudiedArm[] {
  const arms = new Map(cells.map((cell) => [`${cell.task}/${cell.devices}/${cell.arm}`, cell]));
  const tried = [...arms.values()].sort(inOrder).flatMap(({ task, devices, arm }) => {
    const learningRate = tunedRate(cells, { task, devices, arm });
    if (learningRate === null) return [];
    const own = cells.filter(
      (cell) =>
        cell.task === task &&
        cell.devices === devices &&
        cell.arm === arm &&
        cell.learningRate === learningRate,
    );
    return [{ task, devices, arm, learningRate, own }];
  });
  return tried.map(({ task, devices, arm, learningRate, own }): StudiedArm => {
    const beside = tried.filter((other) => other.task === task && other.devices === devices);
    const shared = own
      .filter(({ seed }) => beside.every((other) => other.own.some((cell) => cell.seed === seed)))
      .sort((a, b) => (a.seed < b.seed ? -1 : 1));
    const reporting = shared.filter(({ seed }) => seed !== TUNING_SEED);
    const isTuningOnly = reporting.length === 0;
    const used = isTuningOnly ? shared : reporting;
    const seeds = used.map(({ seed }) => seed);
    return { task, devices, arm, learningRate, cells: used, seeds, isTuningOnly };
  });
}

/** By task, number of devices and as arms are listed, whichever ended first. */
const inOrder = (a: Cell, b: Cell): number =>
  a.task.localeCompare(b.task, "en") || a.devices - b.devices || placeOf(a.arm) - placeOf(b.arm);

const ARM_NAMES = Object.keys(ARMS);
const placeOf = (arm: string): number => ARM_NAMES.indexOf(arm);

/** Plain federated LoRA at the learning rate at which it is best where it is stopped, not after its last round: what is fair to compare with. */
export const TO_STOP = "FedLoRA tuned to stop";

/** What a command calls the arm that a figure compares. */
export const playedArm = (arm: string): string => (arm === TO_STOP ? PLAIN : arm);

/** Over the seeds of the plain one; none of a task where that rate was not run with all of them. */
export const tunedToStop = (cells: readonly Cell[], studied: readonly StudiedArm[]): readonly StudiedArm[] =>
  studied.flatMap((plain): readonly StudiedArm[] => {
    if (plain.arm !== PLAIN) return [];
    const key = { ...plain, arm: PLAIN } as const;
    const learningRate = tunedRate(cells, key, bestOf);
    if (learningRate === null) return [];
    const own = plain.seeds.flatMap(
      (seed) => cells.find((cell) => keyText(cell) === keyText({ ...key, learningRate, seed })) ?? [],
    );
    return own.length === plain.seeds.length ? [{ ...plain, arm: TO_STOP, learningRate, cells: own }] : [];
  });

/** γ of an arm that keeps it; null of one that chooses. */
export function fixedRate(arm: string): number | null {
  const [kind, rate] = arm.split(" ");
  return kind === "fixed" ? Number(rate) : null;
}

/** By task and number of devices. */
export function groupsOf(arms: readonly StudiedArm[]): readonly (readonly StudiedArm[])[] {
  const keys = new Set(arms.map(({ task, devices }) => `${task}/${devices}`));
  return [...keys].map((key) => arms.filter(({ task, devices }) => `${task}/${devices}` === key));
}

export const finalLoss = ({ cells }: StudiedArm): number => mean(cells.map(finalOf));

const finalOf = (cell: Trajectory): number => lastOf(cell).report;

/** Percent, and their standard error over seeds; null of a single one. */
export interface Percentage {
  readonly percent: number;
  readonly error: number | null;
}

/**
 * Percent of the other's mean that one is above it, seed by seed: a deal of texts that is hard for one arm is hard for all.
 *
 * @param other of the same seeds
 * @param of the final loss when absent
 */
export function percentAbove(
  own: StudiedArm,
  other: StudiedArm,
  of: (cell: Trajectory) => number = finalOf,
  ofOther = of,
): Percentage {
  const beside = other.cells.map(ofOther);
  const above = own.cells.map((cell, i) => of(cell) - (beside[i] as number));
  const scale = 100 / mean(beside);
  const error = standardError(above);
  return { percent: scale * mean(above), error: error && Math.abs(scale) * error };
}

/** The one that ends lowest; null of none. */
export const lowestOf = (arms: readonly StudiedArm[]): StudiedArm | null =>
  arms.reduce<StudiedArm | null>(
    (low, own) => (low === null || finalLoss(own) < finalLoss(low) ? own : low),
    null,
  );

/** Of a group's fixed rates only 0 and the best other one: with ten of them nothing else can be seen. */
export function withoutOtherRates(arms: readonly StudiedArm[]): readonly StudiedArm[] {
  const best = lowestOf(arms.filter(({ arm }) => (fixedRate(arm) ?? 0) > 0));
  return arms.filter((own) => (fixedRate(own.arm) ?? 0) === 0 || own === best);
}

export const groupTitle = ([first]: readonly StudiedArm[]): string =>
  `${first?.task}, ${first?.devices} devices`;

export interface MeasuredRound {
  readonly round: number;
  /** One a seed. */
  readonly values: readonly Point[];
  /** Where the texts that may choose are, on the mean over seeds, learned best. */
  readonly isStop: boolean;
}

export function measuredRounds({ cells }: StudiedArm): readonly MeasuredRound[] {
  const rounds = new Map<number, Point[]>();
  for (const point of cells.flatMap(({ points }) => points))
    rounds.set(point.round, [...(rounds.get(point.round) ?? []), point]);
  const sorted = [...rounds].sort(([a], [b]) => a - b);
  const chosenBy = sorted.map(([, values]) => mean(values.map(({ choose }) => choose)));
  const stop = chosenBy.indexOf(Math.min(...chosenBy));
  return sorted.map(([round, values], i) => ({ round, values, isStop: i === stop }));
}
