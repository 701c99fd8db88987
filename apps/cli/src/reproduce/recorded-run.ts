/** A finished run as its folder has it. */
import { resolve, sep } from "node:path";
import type { RoundRecord, RunConfig } from "@fedlodrop/run";
import { readRounds } from "../report-file.ts";
import type { Point } from "./cell.ts";
import { mean, type Table } from "./figure.ts";
import type { StudiedArm } from "./studied.ts";

export interface RecordedRun {
  /** Of its folder, with as much of its path as tells it from others beside it. */
  readonly name: string;
  readonly config: RunConfig;
  readonly baseTestLoss: number | null;
  readonly rounds: readonly RoundRecord[];
}

/** @throws in one line when there is no report of a run with rounds */
export async function readRecordedRun(folder: string): Promise<RecordedRun> {
  return readNamed(folder, tailOf(folder, 1));
}

/** @throws in one line also when a folder is there twice */
export async function readRecordedRuns(folders: readonly string[]): Promise<readonly RecordedRun[]> {
  const again = folders.find((folder, i) =>
    folders.some((one, k) => k < i && resolve(one) === resolve(folder)),
  );
  if (again !== undefined) throw new Error(`${again}: expected each run once, got it twice`);
  const nameOf = (folder: string, parts = 1): string => {
    const name = tailOf(folder, parts);
    const isShared = folders.some((other) => other !== folder && tailOf(other, parts) === name);
    return isShared ? nameOf(folder, parts + 1) : name;
  };
  return Promise.all(folders.map((folder) => readNamed(folder, nameOf(folder))));
}

async function readNamed(folder: string, name: string): Promise<RecordedRun> {
  const { config, baseTestLoss, rounds } = (await readRounds(folder)).report;
  return { name, config, baseTestLoss, rounds };
}

/** The last parts of its path. */
const tailOf = (folder: string, parts: number): string => resolve(folder).split(sep).slice(-parts).join("/");

/** Runs that differ in nothing but the seed are one arm. */
export function recordedArms(runs: readonly RecordedRun[]): readonly StudiedArm[] {
  const arms = new Map<string, RecordedRun[]>();
  for (const run of runs) {
    const key = JSON.stringify({ ...run.config, seed: "" });
    arms.set(key, [...(arms.get(key) ?? []), run]);
  }
  return [...arms.values()].map((own): StudiedArm => {
    const [{ name, config }] = own as [RecordedRun];
    return {
      task: config.task,
      devices: config.devices,
      arm: name,
      learningRate: config.training.learningRate,
      cells: own.map((run) => ({ points: pointsOf(run) })),
      seeds: own.map((run) => run.config.seed),
      isTuningOnly: false,
    };
  });
}

/** A run has one set of held-out texts: what it was stopped by, it is also reported on. */
function pointsOf({ rounds }: RecordedRun): readonly Point[] {
  let [bytes, seconds, joules] = [0, 0, 0];
  // Of the newest round that had any: what one without participants measures was trained at that.
  let dropoutRate = 0;
  return rounds.flatMap((record): Point[] => {
    const { participants, evaluation } = record;
    for (const own of participants) {
      bytes += own.bytesDown + own.bytesUp;
      joules += own.energyJoules ?? 0;
    }
    seconds += record.seconds;
    if (participants.length > 0) dropoutRate = mean(participants.map((own) => own.dropoutRate));
    if (evaluation === null || evaluation.trainLoss === null) return [];
    return [
      {
        round: record.round,
        dropoutRate,
        train: evaluation.trainLoss,
        choose: evaluation.testLoss,
        report: evaluation.testLoss,
        accuracy: evaluation.testAccuracy,
        bytes,
        seconds,
        joules,
      },
    ];
  });
}

/** What runs were set to, by folder. */
export const settingsOf = (runs: readonly RecordedRun[]): Table => ({
  columns: ["run", "task", "devices", "method", "rounds", "learning rate", "seed"],
  rows: runs.map(({ name, config, rounds }) => [
    ...[name, config.task, config.devices, config.method, rounds.length],
    ...[config.training.learningRate, config.seed],
  ]),
});
