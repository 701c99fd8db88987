/** Figure 3: what it takes to reach a target loss, and the quality that a budget buys. */
import type { Point, Trajectory } from "../cell.ts";
import { type Figure, mean } from "../figure.ts";
import {
  groupsOf,
  groupTitle,
  measuredRounds,
  type StudiedArm,
  TO_STOP,
  withoutOtherRates,
} from "../studied.ts";
import type { Chart } from "../svg-chart.ts";
import { bestOf } from "../tuning.ts";

/** Nats above the best that plain federated LoRA reaches when it is stopped in time. */
const SLACK = 0.01;

/** What seconds and joules are where federations run in this process. */
const MODELLED =
  "seconds and joules are modelled (0.1 s a step, 15 W, 0.25 MB/s up), so that they say what fewer bytes and steps are worth, not what a machine took; where rates are solved for, uploads are paced to shares of one such link, as on measured links, where every device of the other arms has one to itself, so that seconds do not compare between the two";

/** What a budget is of: its column, and the axis that it is drawn on. */
const BUDGETS = [
  { column: "megabytes", xLabel: "megabytes, both ways", of: ({ bytes }: Point) => bytes / 1e6 },
  { column: "seconds", xLabel: "seconds of rounds", of: ({ seconds }: Point) => seconds },
  { column: "joules", xLabel: "joules of all devices", of: ({ joules }: Point) => joules },
] as const;
type Budget = (typeof BUDGETS)[number];

/** @param reference the arm whose loss is the target */
export function costToTarget(
  studied: readonly StudiedArm[],
  { reference = "fixed 0", clock = MODELLED }: { readonly reference?: string; readonly clock?: string } = {},
): Figure {
  const groups = groupsOf(studied);
  return {
    number: 3,
    title: "Cost to a target, and quality within a budget",
    text: [
      `The target is ${SLACK} nats above the least loss of ${reference} on the texts that it is stopped by, where it was run at the learning rate that is best for that: the first measured round at or below it counts, averaged over the seeds that got there. Bytes are exact, both ways, of all devices; ${clock}.`,
      "The charts show the held-out loss that so many bytes, seconds or joules buy; means over seeds, of the fixed rates 0 and the best other one alone; the table has all of them.",
    ],
    charts: BUDGETS.flatMap((budget) => groups.map((arms) => budgetChart(arms, budget))),
    table: {
      columns: [
        ...["task", "devices", "arm", "row", "target", "reached", "seeds", "round"],
        ...BUDGETS.map(({ column }) => column),
        "held_out",
      ],
      rows: [
        ...groups.flatMap((arms) => {
          const plain = arms.find(({ arm }) => arm === TO_STOP) ?? arms.find(({ arm }) => arm === reference);
          if (plain === undefined) return [];
          const target = targetOf(plain.cells);
          return arms.map((own) => targetRow(own, target));
        }),
        ...groups.flat().flatMap(budgetRows),
      ],
    },
  };
}

type Row = readonly (string | number | null)[];

/** nats. @param plain what is stopped in time */
export const targetOf = (plain: readonly Trajectory[]): number =>
  SLACK + mean(plain.map((cell) => bestOf(cell).choose));

/** The first measured round at or below the target; undefined where there is none. */
export const reachedIn = ({ points }: Trajectory, target: number): Point | undefined =>
  points.find(({ choose }) => choose <= target);

function targetRow({ task, devices, arm, cells }: StudiedArm, target: number): Row {
  const reached = cells.flatMap((cell) => reachedIn(cell, target) ?? []);
  const cost = (of: (point: Point) => number): number | null =>
    reached.length === 0 ? null : mean(reached.map(of));
  return [
    ...[task, devices, arm, "to target", target, reached.length, cells.length],
    cost(({ round }) => round),
    ...BUDGETS.map(({ of }) => cost(of)),
    null,
  ];
}

const budgetRows = (own: StudiedArm): readonly Row[] =>
  measuredRounds(own).map(({ round, values }) => [
    ...[own.task, own.devices, own.arm, "within budget", null, null, values.length, round],
    ...BUDGETS.map(({ of }) => mean(values.map(of))),
    heldOut(values),
  ]);

const budgetChart = (arms: readonly StudiedArm[], { column, xLabel, of }: Budget): Chart => ({
  title: `${groupTitle(arms)}: quality within a budget of ${column}`,
  xLabel,
  yLabel: "held-out loss, nats",
  series: withoutOtherRates(arms).map((own) => ({
    name: own.arm,
    points: measuredRounds(own).map(({ values }) => ({ x: mean(values.map(of)), y: heldOut(values) })),
  })),
});

const heldOut = (values: readonly Point[]): number => mean(values.map(({ report }) => report));
