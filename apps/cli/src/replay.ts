/** `fedlodrop replay DIR`: a finished run in the host's screens, from its folder and without a network. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { faultInWords, roundRecordSchema, runConfigSchema } from "@fedlodrop/run";
import { z } from "zod";
import { describeFlags, type Flag, parseFlags, wholeNumber } from "./flags.ts";
import { buildPages } from "./pages.ts";
import { serveReplay } from "./replay-server.ts";
import { askedToEnd } from "./signals.ts";
import { UsageError } from "./usage-error.ts";

const FLAGS: readonly Flag[] = [
  { name: "port", value: "P", help: "port of this machine to serve it on; a free one by default" },
  { name: "help", help: "show this" },
];

const HELP = `fedlodrop replay RUN: plays the finished run of the folder RUN in the host's screens, at any speed.

Usage: fedlodrop replay RUN [flags]

${describeFlags(FLAGS)}

It needs no network: the page is served to this machine alone, and everything it shows is in the folder's report.json.

Example:
  fedlodrop replay runs/mine
`;

export async function replay(args: readonly string[]): Promise<void> {
  const operands: string[] = [];
  const given = parseFlags(args, FLAGS, operands);
  if (given.has("help")) {
    process.stdout.write(HELP);
    return;
  }
  const [run, extra] = operands;
  if (run === undefined || extra !== undefined)
    throw new UsageError(`expected one run folder, got ${operands.length}`);
  const report = await readReport(run);
  const pages = await buildPages((line) => process.stderr.write(`${line}\n`));
  const server = await serveReplay(report, pages, wholeNumber(given, "port", 0) ?? 0);
  process.stdout.write(`\n  replay ${server.url}\n\nCtrl-C ends\n`);
  await askedToEnd();
  await server.close();
}

const reportSchema = z.looseObject({
  runId: z.string(),
  config: runConfigSchema,
  baseTestLoss: z.number().nullable(),
  rounds: z.array(roundRecordSchema).min(1),
});

/** The text of the run's report. Throws in one line when it is none that can be played. */
export async function readReport(run: string): Promise<string> {
  const path = join(run, "report.json");
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
  const parsed = reportSchema.safeParse(value);
  if (!parsed.success) throw new Error(`${path}: ${faultInWords(parsed.error)}`);
  return text;
}
