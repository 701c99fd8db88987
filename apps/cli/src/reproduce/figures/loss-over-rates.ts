/** Figure 1: training and held-out loss, their gap and accuracy after the last round, over the dropout rate. */

import { ARMS, type Arm, type ArmName } from "../arms.ts";
import type { Trajectory } from "../cell.ts";
import { barAt, estimateOf, type Figure, mean } from "../figure.ts";
import { fixedRate, groupsOf, groupTitle, type StudiedArm } from "../studied.ts";
import type { Chart } from "../svg-chart.ts";
import { bestOf, lastOf } from "../tuning.ts";

/** By their columns. */
const QUANTITIES = {
  train: (cell: Trajectory) => lastOf(cell).train,
  held_out: (cell: Trajectory) => lastOf(cell).report,
  stopped: (cell: Trajectory) => bestOf(cell).report,
  gap: (cell: Trajectory) => lastOf(cell).report - lastOf(cell).train,
  accuracy: (cell: Trajectory) => lastOf(cell).accuracy,
} as const;
type Quantity = keyof typeof QUANTITIES;
const NAMES = Object.keys(QUANTITIES) as Quantity[];

export function lossOverRates(studied: readonly StudiedArm[]): Figure {
  const groups = groupsOf(studied);
  const labelled = groups.filter((arms) => arms.some((own) => valuesOf(own, "accuracy").length > 0));
  return {
    number: 1,
    title: "Loss, gap and accuracy over the dropout rate",
    text: [
      "After the last round, each arm at its own learning rate; bars are standard errors over seeds. “Stopped” is where the choosing half of the held-out texts would have stopped; every held-out number is of the other half. The gap is held-out less training loss; accuracy is of tasks with labels.",
      "A method that draws or chooses its rates is a point at the mean of its last round's. “Chosen live” are greedy, P-SCA and branch and bound, which solve one problem: where nothing binds they find the same rates, and are one point. Beside them are equal rates for all devices, random ones, and those by the theorem's constants in place of calibrated ones.",
    ],
    charts: [
      ...groups.map((arms) => ({
        ...chartOf(groupTitle(arms), "loss, nats"),
        series: [
          overRates("held out", arms, "held_out"),
          overRates("held out, stopped", arms, "stopped"),
          overRates("training", arms, "train"),
          ...live(", held out", arms, "held_out"),
        ],
      })),
      ...groups.map((arms) => ({
        ...chartOf(`${groupTitle(arms)}: gap`, "held-out less training loss, nats"),
        series: [overRates("fixed rates", arms, "gap"), ...live("", arms, "gap")],
      })),
      ...labelled.map((arms) => ({
        ...chartOf(`${groupTitle(arms)}: accuracy`, "accuracy, held out"),
        series: [overRates("fixed rates", arms, "accuracy"), ...live("", arms, "accuracy")],
      })),
    ],
    table: {
      columns: [
        ...["task", "devices", "arm", "learning_rate", "seeds", "last_rate"],
        ...NAMES.flatMap((name) => [name, `${name}_error`]),
      ],
      rows: groups
        .flat()
        .map((own) => [
          ...[own.task, own.devices, own.arm, own.learningRate, own.cells.length, rateOf(own)],
          ...NAMES.flatMap((name) => estimateOf(valuesOf(own, name))),
        ]),
    },
  };
}

const isFixed = ({ arm }: StudiedArm): boolean => fixedRate(arm) !== null;

/** By what live rates come from: arms of one kind are a series. */
const KINDS = ["chosen live", "equal rates", "random rates", "by the theorem"] as const;

/** Null of what keeps its rate, or never drops anything: that has no place on the axis. */
function kindOf({ arm }: StudiedArm): (typeof KINDS)[number] | null {
  const { method, bound, variant } = ARMS[arm as ArmName] as Arm;
  if (variant !== undefined || method === "fixed" || method === "fedlora") return null;
  if (bound === "theorem") return "by the theorem";
  return method === "random" ? "random rates" : method === "equal" ? "equal rates" : "chosen live";
}

const rateOf = ({ arm, cells }: StudiedArm): number =>
  fixedRate(arm) ?? mean(cells.map((cell) => lastOf(cell).dropoutRate));

const valuesOf = ({ cells }: StudiedArm, quantity: Quantity): readonly number[] =>
  cells.flatMap((cell) => QUANTITIES[quantity](cell) ?? []);

const chartOf = (title: string, yLabel: string): Omit<Chart, "series"> => ({
  title,
  xLabel: "dropout rate γ",
  yLabel,
});

type Series = Chart["series"][number];

const overRates = (name: string, arms: readonly StudiedArm[], quantity: Quantity): Series => ({
  name,
  points: pointsOf(arms.filter(isFixed), quantity),
});

const live = (ending: string, arms: readonly StudiedArm[], quantity: Quantity): readonly Series[] =>
  KINDS.map((kind) => ({
    name: `${kind}${ending}`,
    kind: "points",
    points: pointsOf(
      arms.filter((own) => kindOf(own) === kind),
      quantity,
    ),
  }));

const pointsOf = (arms: readonly StudiedArm[], quantity: Quantity): Series["points"] =>
  arms.map((own) => barAt(rateOf(own), valuesOf(own, quantity))).sort((a, b) => a.x - b.x);
