/** A finished run as its folder has it. */
import { readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import {
  faultInWords,
  isSchemaFault,
  type RoundRecord,
  type RunConfig,
  roundRecordSchema,
} from "@fedlodrop/run";
import { z } from "zod";
import type { Point } from "./cell.ts";
import type { StudiedArm } from "./studied.ts";

export interface RecordedRun {
  /** Of its folder. */
  readonly name: string;
  readonly config: RunConfig;
  readonly baseTestLoss: number | null;
  readonly rounds: readonly RoundRecord[];
}

/** What is read of `report.json`; the rest is for other readers. */
const reportSchema = z.object({
  config: z.looseObject({ seed: z.string(), task: z.string() }),
  baseTestLoss: z.number().nullable(),
  rounds: z.array(roundRecordSchema).min(1),
});

/** @throws in one line when there is no report, or one that another version wrote */
export async function readRecordedRun(folder: string): Promise<RecordedRun> {
  const path = join(folder, "report.json");
  const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw new Error(`${path}: expected the report of a finished run, but it cannot be read (${cause.code})`, {
      cause,
    });
  });
  try {
    const { config, ...report } = reportSchema.parse(JSON.parse(text));
    return { name: basename(resolve(folder)), config: config as unknown as RunConfig, ...report };
  } catch (cause) {
    const fault = isSchemaFault(cause) ? faultInWords(cause, "report") : "it is no JSON";
    throw new Error(`${path}: expected a report of this version with a round in it; ${fault}`, { cause });
  }
}

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
      isTuningOnly: false,
    };
  });
}

/** A run has one set of held-out texts: what it was stopped by, it is also reported on. */
function pointsOf({ rounds }: RecordedRun): readonly Point[] {
  let [bytes, seconds, joules] = [0, 0, 0];
  return rounds.flatMap((record): Point[] => {
    const { participants, evaluation } = record;
    for (const own of participants) {
      bytes += own.bytesDown + own.bytesUp;
      joules += own.energyJoules ?? 0;
    }
    seconds += record.seconds;
    if (evaluation === null || evaluation.trainLoss === null) return [];
    const rates = participants.map(({ dropoutRate }) => dropoutRate);
    return [
      {
        round: record.round,
        dropoutRate: rates.reduce((sum, rate) => sum + rate, 0) / rates.length,
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
