/** Figure 7: what the numbers say of two claims, in the flattering comparison and in the fair one. */

import type { Trajectory } from "../cell.ts";
import { type Figure, mean } from "../figure.ts";
import {
  finalLoss,
  fixedRate,
  groupsOf,
  lowestOf,
  percentAbove,
  type StudiedArm,
  TO_STOP,
} from "../studied.ts";
import { bestOf, lastOf, PLAIN } from "../tuning.ts";

export function verdicts(studied: readonly StudiedArm[]): Figure {
  const rows = groupsOf(studied).flatMap((arms) => {
    const plain = arms.find(({ arm }) => arm === PLAIN);
    return plain === undefined
      ? []
      : arms.filter(({ arm }) => arm !== PLAIN).map((own) => compare(own, plain, arms));
  });
  return {
    number: 7,
    title: "Verdicts",
    text: [
      "Claim one: generalisation better by more than 15 %. Flattering: held-out loss after the last round against plain federated LoRA after its last round. Fair: against plain federated LoRA that is stopped where held-out texts say, at the learning rate that is best for that, where it was run; each at its own. Claim two: communication 20 % lower, in exact bytes of the same number of rounds.",
      "What dropout gives that stopping can't: nobody has to hold texts out, and fewer bytes. Regret is what a method's held-out loss is above the best fixed rate's, which nobody knows beforehand; its standard error is that of the differences seed by seed.",
    ],
    charts: [],
    table: {
      columns: [
        "task",
        "devices",
        "arm",
        "seeds",
        "flattering_percent",
        "fair_percent",
        "gap_percent",
        "bytes_percent",
        "regret_percent",
        "regret_error_percent",
        "over_15_flattering",
        "over_15_fair",
        "over_20_bytes",
      ],
      rows,
    },
  };
}

function compare(
  own: StudiedArm,
  plain: StudiedArm,
  arms: readonly StudiedArm[],
): readonly (string | number | null)[] {
  const of = (arm: StudiedArm, value: (cell: Trajectory) => number): number => mean(arm.cells.map(value));
  const gap = (arm: StudiedArm): number => of(arm, (cell) => lastOf(cell).report - lastOf(cell).train);
  const bytes = (arm: StudiedArm): number => of(arm, (cell) => lastOf(cell).bytes);
  const lower = (value: number, than: number): number => 100 * (1 - value / than);
  const flattering = lower(finalLoss(own), finalLoss(plain));
  const fair = lower(
    finalLoss(own),
    of(arms.find(({ arm }) => arm === TO_STOP) ?? plain, (cell) => bestOf(cell).report),
  );
  const saved = lower(bytes(own), bytes(plain));
  const best = lowestOf(arms.filter(({ arm }) => fixedRate(arm) !== null)) ?? plain;
  const regret = percentAbove(own, best);
  return [
    own.task,
    own.devices,
    own.arm,
    own.cells.length,
    flattering,
    fair,
    lower(gap(own), gap(plain)),
    saved,
    regret.percent,
    regret.error,
    flattering > 15 ? "shown" : "refuted",
    fair > 15 ? "shown" : "refuted",
    saved > 20 ? "shown" : "refuted",
  ];
}
