/** Figure 3: what it takes to reach a target loss, and the quality that a budget buys. */
import type { Point } from "../cell.ts";
import { type Figure, mean } from "../figure.ts";
import { groupsOf, type StudiedArm } from "../studied.ts";
import { bestOf } from "../tuning.ts";

/** Nats above the best that plain federated LoRA reaches when it is stopped in time. */
const SLACK = 0.01;

/** What seconds and joules are where federations run in this process. */
const MODELLED =
  "seconds and joules are modelled (0.1 s a step, 15 W, 0.25 MB/s up), so that they say what fewer bytes and steps are worth, not what a machine took";

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
      `The target is ${SLACK} nats above the least loss of ${reference} on the texts that it is stopped by: the first measured round at or below it counts, averaged over the seeds that got there. Bytes are exact, both ways, of all devices; ${clock}.`,
      "The charts show the loss that so many bytes buy.",
    ],
    charts: groups.map((arms) => ({
      title: `${arms[0]?.task}: quality within a budget`,
      xLabel: "megabytes, both ways",
      yLabel: "held-out loss, nats",
      series: arms.map(({ arm, cells: own }) => ({
        name: arm,
        points: (own[0]?.points ?? []).map((_, i) => ({
          x: mean(own.map(({ points }) => (points[i] as Point).bytes / 1e6)),
          y: mean(own.map(({ points }) => (points[i] as Point).report)),
        })),
      })),
    })),
    table: {
      columns: [
        "task",
        "devices",
        "arm",
        "target",
        "reached",
        "seeds",
        "round",
        "megabytes",
        "seconds",
        "joules",
      ],
      rows: groups.flatMap((arms) => {
        const plain = arms.find(({ arm }) => arm === reference);
        if (plain === undefined) return [];
        const target = SLACK + mean(plain.cells.map((cell) => bestOf(cell).choose));
        return arms.map((own) => rowOf(own, target));
      }),
    },
  };
}

function rowOf(
  { task, devices, arm, cells }: StudiedArm,
  target: number,
): readonly (string | number | null)[] {
  const reached = cells.flatMap(({ points }) => points.find(({ choose }) => choose <= target) ?? []);
  const cost = (of: (point: Point) => number): number | null =>
    reached.length === 0 ? null : mean(reached.map(of));
  return [
    task,
    devices,
    arm,
    target,
    reached.length,
    cells.length,
    cost(({ round }) => round),
    cost(({ bytes }) => bytes / 1e6),
    cost(({ seconds }) => seconds),
    cost(({ joules }) => joules),
  ];
}
