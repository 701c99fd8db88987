/** Figure 1: training and held-out loss, their gap and accuracy after the last round, over the dropout rate. */

import type { Trajectory } from "../cell.ts";
import { type Figure, mean, standardError } from "../figure.ts";
import { fixedRate, groupsOf, type StudiedArm } from "../studied.ts";
import type { ChartPoint } from "../svg-chart.ts";
import { bestOf, lastOf } from "../tuning.ts";

export function lossOverRates(studied: readonly StudiedArm[]): Figure {
  const groups = groupsOf(studied);
  return {
    number: 1,
    title: "Loss over the dropout rate",
    text: [
      "After the last round, each arm at its own learning rate; bars are standard errors over seeds. “Stopped” is where the choosing half of the held-out texts would have stopped; every held-out number is of the other half.",
      "A method that draws or chooses its rates is a point at the mean of its last round's.",
    ],
    charts: groups.map((arms) => ({
      title: `${arms[0]?.task}, ${arms[0]?.devices} devices`,
      xLabel: "dropout rate γ",
      yLabel: "loss, nats",
      series: [
        { name: "held out", points: pointsOf(arms.filter(isFixed), (cell) => lastOf(cell).report) },
        { name: "held out, stopped", points: pointsOf(arms.filter(isFixed), (cell) => bestOf(cell).report) },
        { name: "training", points: pointsOf(arms.filter(isFixed), (cell) => lastOf(cell).train) },
        {
          name: "live, held out",
          kind: "points",
          points: pointsOf(arms.filter(isLive), (cell) => lastOf(cell).report),
        },
      ],
    })),
    table: {
      columns: [
        "task",
        "devices",
        "arm",
        "learning_rate",
        "seeds",
        "last_rate",
        "train",
        "held_out",
        "held_out_error",
        "gap",
        "stopped",
        "accuracy",
      ],
      rows: groups.flat().map(({ task, devices, arm, learningRate, cells: own }) => {
        const last = own.map(lastOf);
        const heldOut = last.map(({ report }) => report);
        const accuracies = last.flatMap(({ accuracy }) => accuracy ?? []);
        return [
          task,
          devices,
          arm,
          learningRate,
          own.length,
          mean(last.map(({ dropoutRate }) => dropoutRate)),
          mean(last.map(({ train }) => train)),
          mean(heldOut),
          standardError(heldOut),
          mean(last.map(({ report, train }) => report - train)),
          mean(own.map((cell) => bestOf(cell).report)),
          accuracies.length === 0 ? null : mean(accuracies),
        ];
      }),
    },
  };
}

const isFixed = ({ arm }: StudiedArm): boolean => fixedRate(arm) !== null;

/** Drops, and not always the same share: what never drops anything has no place on the axis. */
const isLive = (own: StudiedArm): boolean =>
  !isFixed(own) && own.cells.some(({ points }) => points.some(({ dropoutRate }) => dropoutRate > 0));

function pointsOf(arms: readonly StudiedArm[], of: (cell: Trajectory) => number): readonly ChartPoint[] {
  return arms
    .map(({ arm, cells }) => {
      const values = cells.map(of);
      const [y, error] = [mean(values), standardError(values) ?? 0];
      const x = fixedRate(arm) ?? mean(cells.map((cell) => lastOf(cell).dropoutRate));
      return { x, y, low: y - error, high: y + error };
    })
    .sort((a, b) => a.x - b.x);
}
