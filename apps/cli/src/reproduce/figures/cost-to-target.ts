/** Figure 3: what it takes to reach a target loss, and the quality that a budget buys. */
import type { Point } from "../cell.ts";
import type { Cell } from "../cells.ts";
import { type Figure, mean } from "../figure.ts";
import { groupsOf, type StudiedArm, studiedArms } from "../studied.ts";
import { bestOf } from "../tuning.ts";

/** Nats above the best that plain federated LoRA reaches when it is stopped in time. */
const SLACK = 0.01;

export function costToTarget(cells: readonly Cell[]): Figure {
  const groups = groupsOf(studiedArms(cells));
  return {
    number: 3,
    title: "Cost to a target, and quality within a budget",
    text: [
      `The target is ${SLACK} nats above the least loss of plain federated LoRA (γ = 0) on the choosing half, which it was stopped by: the first measured round at or below it counts, averaged over the seeds that got there. Bytes are exact, both ways, of all devices; seconds and joules are modelled (0.1 s a step, 15 W, 0.25 MB/s up), so that they say what fewer bytes and steps are worth, not what a machine took.`,
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
        const plain = arms.find(({ arm }) => arm === "fixed 0");
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
