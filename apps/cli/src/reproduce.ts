/** `fedlodrop reproduce`: the figures, from federations in this process, kept so that it goes on where it was stopped. */
import { join } from "node:path";
import { describeFlags, type Flag, parseFlags, wholeNumber } from "./flags.ts";
import { ablatedBy } from "./reproduce/arms.ts";
import { readCells } from "./reproduce/cells.ts";
import type { Figure } from "./reproduce/figure.ts";
import { ablations } from "./reproduce/figures/ablations.ts";
import { costToTarget } from "./reproduce/figures/cost-to-target.ts";
import { foreseen } from "./reproduce/figures/foreseen.ts";
import { limits } from "./reproduce/figures/limits.ts";
import { lossOverRates } from "./reproduce/figures/loss-over-rates.ts";
import { lossOverRounds } from "./reproduce/figures/loss-over-rounds.ts";
import { privacy } from "./reproduce/figures/privacy.ts";
import { verdicts } from "./reproduce/figures/verdicts.ts";
import {
  deviceCounts,
  FULL_LIMITED,
  QUICK_LIMITED,
  readLimited,
  runLimited,
  tunedRuns,
} from "./reproduce/limited.ts";
import { armsFor, type CellFigure, isCellFigure, NEEDED_ARMS } from "./reproduce/needed-arms.ts";
import { faultOf, recordOwnRun } from "./reproduce/own-run.ts";
import { FULL_ATTACKS, QUICK_ATTACKS, readAttacks, runAttacks } from "./reproduce/privacy/attack-study.ts";
import { limitedProvenance, provenanceOf, withCommand } from "./reproduce/provenance.ts";
import { readRecordedRun, settingsOf } from "./reproduce/recorded-run.ts";
import { type ReportedFigure, writeReport } from "./reproduce/report.ts";
import { groupsOf, type StudiedArm, studiedArms, tunedToStop } from "./reproduce/studied.ts";
import { FULL_STUDY, QUICK_STUDY, runStudy } from "./reproduce/study.ts";
import { UsageError } from "./usage-error.ts";

const FLAGS: readonly Flag[] = [
  {
    name: "seeds",
    value: "N",
    help: "seeds that report, beside the one that learning rates are tuned with (3; quick: 0)",
  },
  {
    name: "quick",
    help: "the smallest study that fills every figure: four minutes at most on two cores, and no evidence",
  },
  {
    name: "draw",
    help: "run no federation: draw what the folder has, and of figure 4 solve the solvers' problems again",
  },
  { name: "out", value: "DIR", help: "folder of cells, figures and report (reproduced)" },
  { name: "help", help: "show this" },
];

const FIGURES = ["1", "2", "3", "4", "5", "6", "7"] as const;
/** Only where it is asked for by name. */
const BY_NAME = ["privacy"] as const;
type FigureName = (typeof FIGURES | typeof BY_NAME)[number];

const FULL_RUN = { devices: 2, rounds: 12 };
const QUICK_RUN = { ...FULL_RUN, rounds: 6, evaluationSamples: 16 };

const countOf = (figure: CellFigure): number => armsFor([figure], FULL_STUDY.arms).length;

const HELP = `Usage: fedlodrop reproduce [FIGURE …] [flags]

Runs the federations that figures are made of, in this process on all cores, and writes one report: report.html, or report-1-2.html
of figures 1 and 2 alone.
Finished ones are kept in cells.csv and limited.csv, quick ones in cells-quick.csv and limited-quick.csv: the command goes on
where it was stopped.

  1  loss over the dropout rate         4  limits, sizes, solver times
  2  loss over rounds, by method        5  what plans foresaw, and what was measured
  3  cost to a target                   6  ablations
  7  verdicts on what is claimed of dropout
  privacy  what attacks read of texts (figure 8), only where it is named

The full study takes about four hours on two cores, and the runs under limits of figure 4 an hour and a half on top. Figures
that are named have the arms alone that they compare: of ${FULL_STUDY.arms.length}, figure 1 has ${countOf("1")} (fixed, random and chosen rates), figure 2 ${countOf("2")} (all
methods), figures 3 and 7 ${countOf("3")} (those that send something), and figure 6 ${countOf("6")} (ablations and what they change).

Figure 5 is of a run of this machine over real sockets (folder own-run), by its clocks: no two are alike.
All else is the same for the same seeds, but what a clock ends in figure 4: the solvers' milliseconds, and what a search
that is stopped has found by then (of many devices, after 5 s; in runs under limits, after 1 s). The solvers' part of it is kept
nowhere: it is solved anew whenever figure 4 is drawn, with --draw too, and its milliseconds are then others.

${describeFlags(FLAGS)}
`;

export async function reproduce(args: readonly string[]): Promise<void> {
  const named: string[] = [];
  const given = parseFlags(args, FLAGS, named);
  if (given.has("help")) {
    process.stdout.write(HELP);
    return;
  }
  const known: readonly string[] = [...FIGURES, ...BY_NAME];
  const unknown = named.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new UsageError(`expected a figure of ${known.join(", ")}, got "${unknown}"`);
  const isWhole = named.length === 0;
  const wanted: readonly FigureName[] = isWhole
    ? FIGURES
    : [...FIGURES, ...BY_NAME].filter((name) => named.includes(name));
  const quick = given.has("quick");
  const seeds = wholeNumber(given, "seeds", quick ? 0 : 1) ?? (quick ? 0 : 3);
  const out = given.get("out");
  const folder = typeof out === "string" ? out : "reproduced";
  // A quick study is no part of a full one.
  const kept = (name: string, ending = ""): string =>
    join(folder, `${name}${quick ? "-quick" : ""}${ending}`);
  const csv = kept("cells", ".csv");
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const study = quick ? QUICK_STUDY : FULL_STUDY;
  const isDrawn = given.has("draw");
  const ofTheStudy = wanted.find(isCellFigure);
  if (!isDrawn && ofTheStudy !== undefined)
    await runStudy({ ...study, arms: armsFor(wanted, study.arms), seeds }, csv, say);
  const limitedCsv = kept("limited", ".csv");
  const limited = quick ? QUICK_LIMITED : FULL_LIMITED;
  // Learning rates for other numbers of devices than the study's, which report nothing there.
  const tuningCsv = kept("cells-tuning", ".csv");
  if (!isDrawn && wanted.includes("4")) {
    for (const devices of deviceCounts(limited)) {
      const tuning = { tasks: [limited.task], arms: limited.arms, devices };
      await runStudy({ ...study, ...tuning, seeds: 0 }, devices === study.devices ? csv : tuningCsv, say);
    }
    const tuning = [...(await readCells(csv)), ...(await readCells(tuningCsv))];
    await runLimited({ ...limited, seeds: Math.max(1, seeds) }, tuning, limitedCsv, say);
  }
  const ownRun = kept("own-run");
  const ownSettings = quick ? QUICK_RUN : FULL_RUN;
  if (!isDrawn && wanted.includes("5")) await recordOwnRun(ownRun, ownSettings, say);
  const attacks = join(folder, "attacks.jsonl");
  const attackSize = quick ? QUICK_ATTACKS : FULL_ATTACKS;
  if (!isDrawn && wanted.includes("privacy")) await runAttacks(attackSize, attacks, say);
  const fault = isDrawn && wanted.includes("5") ? await faultOf(ownRun, ownSettings.rounds) : null;
  if (fault !== null)
    throw new Error(
      `figure 5: expected a finished run of ${ownSettings.rounds} rounds in ${ownRun}, got none (${fault}); leave out --draw, or name other figures`,
    );
  if (isDrawn && wanted.includes("privacy") && (await readAttacks(attacks, attackSize)).length === 0)
    throw new Error(`figure 8: expected results of attacks in ${attacks}, got none; leave out --draw`);
  const cells = await readCells(csv);
  if (isDrawn && ofTheStudy !== undefined && cells.length === 0)
    throw new Error(`figure ${ofTheStudy}: expected finished cells in ${csv}, got none; leave out --draw`);
  const armsOf = (name: CellFigure): readonly StudiedArm[] =>
    studiedArms(cells.filter(({ arm }) => NEEDED_ARMS[name](arm)));
  const ofCells = (
    figure: CellFigure,
    drawn: (arms: readonly StudiedArm[]) => Figure,
    arms = armsOf(figure),
  ) => ({
    ...drawn(arms),
    madeOf: provenanceOf(arms, { figure, cells, folder, csv, isQuick: quick }),
  });
  const withStopped = (arms: readonly StudiedArm[]) => [...arms, ...tunedToStop(cells, arms)];
  const again = (figure: FigureName, flags = ""): string =>
    `npx fedlodrop reproduce ${figure}${quick ? " --quick" : ""}${flags} --out ${folder}`;
  const draw = async (name: FigureName): Promise<ReportedFigure> => {
    switch (name) {
      case "1":
        return ofCells(name, lossOverRates);
      case "2":
        return ofCells(name, lossOverRounds);
      case "3":
        return ofCells(name, costToTarget, withStopped(armsOf(name)));
      case "4": {
        say("figure 4: solving cells …");
        const tried = [...cells, ...(await readCells(tuningCsv))];
        const runs = tunedRuns(await readLimited(limitedCsv), limited, tried);
        const figure = limits(quick ? 2 : 20, quick, runs, () => performance.now());
        return {
          ...figure,
          madeOf: limitedProvenance(limited, runs, (count) => again(name, ` --seeds ${count}`)),
        };
      }
      case "5": {
        const runs = [await readRecordedRun(ownRun)];
        return { ...foreseen(runs), madeOf: withCommand(settingsOf(runs), again(name)) };
      }
      case "6":
        return ofCells(
          name,
          ablations,
          groupsOf(armsOf(name))
            .filter((arms) => arms.some(({ arm }) => ablatedBy(arm) !== null))
            .flat(),
        );
      case "7":
        return ofCells(name, verdicts, withStopped(armsOf(name)));
      case "privacy": {
        const madeOf = withCommand(
          { columns: Object.keys(attackSize), rows: [Object.values(attackSize)] },
          again(name),
        );
        return { ...privacy(await readAttacks(attacks, attackSize)), madeOf };
      }
      default:
        return name satisfies never;
    }
  };
  const report = await writeReport(folder, {
    // Some figures leave the report of all of them as it is.
    name: isWhole ? "report" : `report-${wanted.join("-")}`,
    command: ["fedlodrop reproduce", ...args].join(" "),
    caution: quick
      ? "A quick study: one task, one seed and few rounds. It shows that the figures can be made, and is no evidence of anything."
      : "",
    figures: await Promise.all(wanted.map(draw)),
  });
  process.stdout.write(`${report}\n`);
}
