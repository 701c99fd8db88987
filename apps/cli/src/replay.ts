/** `fedlodrop replay DIR`: a finished run in the host's screens, from its folder and without a network. */
import { faultInWords, runConfigSchema } from "@fedlodrop/run";
import { describeFlags, type Flag, onlyOperand, parseFlags, wholeNumber } from "./flags.ts";
import { buildPages } from "./pages.ts";
import { serveReplay } from "./replay-server.ts";
import { misfit, readRounds } from "./report-file.ts";
import { askedToEnd } from "./signals.ts";

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
  const report = await readPlayable(onlyOperand(operands, "run folder"));
  const pages = await buildPages((line) => process.stderr.write(`${line}\n`));
  const server = await serveReplay(report, pages, wholeNumber(given, "port", 0) ?? 0);
  process.stdout.write(`\n  replay ${server.url}\n\nCtrl-C ends\n`);
  await askedToEnd();
  await server.close();
}

/** The text of a report that the page can play. Throws in one line when it is none. */
export async function readPlayable(run: string): Promise<string> {
  const { path, text, report } = await readRounds(run);
  const { error } = runConfigSchema.safeParse(report.config);
  if (error) throw misfit(path, report.format, `config.${faultInWords(error, "config")}`);
  return text;
}
