/** Figure 7: what the numbers say of two claims, in the flattering comparison and in the fair one. */

import type { Trajectory } from "../cell.ts";
import type { Figure } from "../figure.ts";
import {
  fixedRate,
  groupsOf,
  groupTitle,
  lowestOf,
  type Percentage,
  percentAbove,
  type StudiedArm,
  TO_STOP,
} from "../studied.ts";
import { bestOf, lastOf, PLAIN } from "../tuning.ts";

/** Percent that are claimed: so much lower a loss, and so many fewer bytes. */
const [LOSS_CLAIM, BYTES_CLAIM] = [15, 20];
/** Standard errors that a percentage is away from its claim at least, where it decides anything. */
const ERRORS = 2;

export function verdicts(studied: readonly StudiedArm[]): Figure {
  const groups = groupsOf(studied).flatMap((arms) => {
    const plain = arms.find(({ arm }) => arm === PLAIN);
    const others = arms.filter(({ arm }) => arm !== PLAIN);
    return plain === undefined || others.length === 0
      ? []
      : [{ title: groupTitle(arms), compared: others.map((own) => compare(own, plain, arms)) }];
  });
  return {
    number: 7,
    title: "Verdicts",
    text: [
      `Claim one: generalisation better by more than ${LOSS_CLAIM} %. Flattering: held-out loss after the last round against plain federated LoRA after its last round. Fair: against plain federated LoRA that is stopped where held-out texts say, at the learning rate that is best for that, where it was run; each at its own. Claim two: communication ${BYTES_CLAIM} % lower, in exact bytes of the same number of rounds.`,
      `Errors are standard errors of the differences seed by seed. “Shown” and “refuted” are what is at least ${ERRORS} of them above or below its claim; of anything closer, and of a single seed, a task's runs cannot tell. Seeds deal texts and draw masks anew, and all are measured on the same held-out texts: what other held-out texts would have said is in no error.`,
      ...(groups.length === 0
        ? []
        : [
            `In the fair comparison at best, of arms that were picked by the seeds that report them: ${groups.map(({ title, compared }) => bestFair(title, compared)).join("; ")}.`,
          ]),
      "What dropout gives that stopping can't: nobody has to hold texts out, and fewer bytes. Regret is what a method's held-out loss is above the best fixed rate's, which nobody knows beforehand.",
    ],
    charts: [],
    table: {
      columns: [
        ...["task", "devices", "arm", "seeds"],
        ...["flattering", "fair", "gap", "bytes", "regret"].flatMap((name) => [
          `${name}_percent`,
          `${name}_error_percent`,
        ]),
        ...["over_15_flattering", "over_15_fair", "over_20_bytes"],
      ],
      rows: groups.flatMap(({ compared }) => compared.map(rowOf)),
    },
  };
}

interface Compared {
  readonly own: StudiedArm;
  /** Percent below plain federated LoRA. */
  readonly flattering: Percentage;
  readonly fair: Percentage;
  readonly gap: Percentage;
  readonly bytes: Percentage;
  /** Percent above the best fixed rate. */
  readonly regret: Percentage;
}

function compare(own: StudiedArm, plain: StudiedArm, arms: readonly StudiedArm[]): Compared {
  const report = (cell: Trajectory): number => lastOf(cell).report;
  const below = (
    of: (cell: Trajectory) => number,
    other = plain,
    ofOther: (cell: Trajectory) => number = of,
  ): Percentage => {
    const { percent, error } = percentAbove(own, other, of, ofOther);
    return { percent: -percent, error };
  };
  return {
    own,
    flattering: below(report),
    fair: below(report, arms.find(({ arm }) => arm === TO_STOP) ?? plain, (cell) => bestOf(cell).report),
    gap: below((cell) => lastOf(cell).report - lastOf(cell).train),
    bytes: below((cell) => lastOf(cell).bytes),
    regret: percentAbove(own, lowestOf(arms.filter(({ arm }) => fixedRate(arm) !== null)) ?? plain),
  };
}

const rowOf = ({ own, flattering, fair, gap, bytes, regret }: Compared) => [
  ...[own.task, own.devices, own.arm, own.cells.length],
  ...[flattering, fair, gap, bytes, regret].flatMap(({ percent, error }) => [percent, error]),
  ...[verdictOn(flattering, LOSS_CLAIM), verdictOn(fair, LOSS_CLAIM), verdictOn(bytes, BYTES_CLAIM)],
];

function verdictOn({ percent, error }: Percentage, claim: number): string {
  if (error === null) return "not shown: a single seed";
  const beyond = percent - claim;
  if (Math.abs(beyond) < ERRORS * error) return `not shown: within ${ERRORS} standard errors`;
  return beyond > 0 ? "shown" : "refuted";
}

function bestFair(title: string, compared: readonly Compared[]): string {
  const { own, fair } = compared.reduce((best, other) =>
    other.fair.percent > best.fair.percent ? other : best,
  );
  const error = fair.error === null ? "" : ` ± ${fair.error.toFixed(2)}`;
  return `${title}: ${fair.percent.toFixed(2)}${error} % lower with ${own.arm}, ${verdictOn(fair, LOSS_CLAIM)}`;
}
