/** `fedlodrop compare`: finished runs beside each other, in the report that `reproduce` makes. */
import { describeFlags, type Flag, parseFlags } from "./flags.ts";
import { costToTarget } from "./reproduce/figures/cost-to-target.ts";
import { foreseen } from "./reproduce/figures/foreseen.ts";
import { lossOverRounds } from "./reproduce/figures/loss-over-rounds.ts";
import { readRecordedRuns, recordedArms, settingsOf } from "./reproduce/recorded-run.ts";
import { writeReport } from "./reproduce/report.ts";
import { UsageError } from "./usage-error.ts";

const FLAGS: readonly Flag[] = [
  { name: "out", value: "DIR", help: "folder of the report (compared)" },
  { name: "help", help: "show this" },
];

const HELP = `fedlodrop compare RUN…: puts finished runs, the folders that --out of serve and federate wrote, beside each other.

Usage: fedlodrop compare RUN [RUN …] [flags]

The first run is the reference of the costs. Runs that differ in nothing but the seed count as one, with intervals. Each is
named by its folder, and where others are called alike by more of its path.

${describeFlags(FLAGS)}

Example:
  fedlodrop compare runs/plain runs/dropout --out compared
`;

export async function compare(args: readonly string[]): Promise<void> {
  const folders: string[] = [];
  const given = parseFlags(args, FLAGS, folders);
  if (given.has("help")) {
    process.stdout.write(HELP);
    return;
  }
  if (folders.length === 0) throw new UsageError("compare: expected a run folder or more, got none");
  const runs = await readRecordedRuns(folders);
  const arms = recordedArms(runs);
  const out = given.get("out");
  const report = await writeReport(typeof out === "string" ? out : "compared", {
    name: "report",
    command: ["fedlodrop compare", ...args].join(" "),
    caution:
      "Runs have one set of held-out texts: where one is stopped early, it is reported on the texts that stopped it.",
    figures: [
      lossOverRounds(arms),
      costToTarget(arms, {
        reference: arms[0]?.arm as string,
        clock: "seconds are the rounds' own, joules as devices estimated them",
      }),
      foreseen(runs),
    ].map((figure) => ({ ...figure, madeOf: settingsOf(runs) })),
  });
  process.stdout.write(`${report}\n`);
}
