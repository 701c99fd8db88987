/** `report.json` of a run's folder, as every command reads it. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { faultInWords, REPORT_FORMAT, type RunReport, roundRecordSchema } from "@fedlodrop/run";
import { z } from "zod";

export interface ReportFile {
  readonly path: string;
  /** As it was stored. */
  readonly text: string;
  /** Its configuration may be an earlier version's, with fields of now missing or others there. */
  readonly report: RunReport;
}

const reportSchema = z.looseObject({
  runId: z.string(),
  config: z.looseObject({
    seed: z.string(),
    task: z.string(),
    model: z.string(),
    devices: z.int(),
    training: z.looseObject({ learningRate: z.number() }),
  }),
  baseTestLoss: z.number().nullable(),
  rounds: z.array(roundRecordSchema),
});

/** Throws in one line when the folder has none, or one that cannot be understood. */
export async function readReport(folder: string): Promise<ReportFile> {
  const path = join(folder, "report.json");
  const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw new Error(
      cause.code === "ENOENT"
        ? `${path}: there is no such file; a run has it when it is over`
        : `${path}: cannot be read (${cause.code})`,
      { cause },
    );
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${path}: not JSON`, { cause });
  }
  const format = (value as { readonly format?: unknown } | null)?.format;
  if (format !== undefined && format !== REPORT_FORMAT)
    throw new Error(
      `${path}: stored by another version of the program (format ${JSON.stringify(format)}; this one reads ${REPORT_FORMAT})`,
    );
  const { data, error } = reportSchema.safeParse(value);
  if (error) throw misfit(path, format, faultInWords(error, "report"));
  return { path, text, report: data as unknown as RunReport };
}

/** For a report that says no other format than this version's, and does not fit. */
export function misfit(path: string, format: unknown, fault: string): Error {
  const version =
    format === undefined
      ? `; stored by an earlier version of the program, or by none (no format; this one reads ${REPORT_FORMAT})`
      : "";
  return new Error(`${path}: ${fault}${version}`);
}

/** One that can be looked at round by round. Throws in one line when no round has closed. */
export async function readRounds(folder: string): Promise<ReportFile> {
  const file = await readReport(folder);
  if (file.report.rounds.length === 0)
    throw new Error(`${file.path}: rounds: expected one or more, got none`);
  return file;
}
