/** Figure 2: held-out loss over rounds, each method at its own learning rate. */
import type { Point } from "../cell.ts";
import { type Figure, mean, standardError } from "../figure.ts";
import { groupsOf, type StudiedArm } from "../studied.ts";

export function lossOverRounds(studied: readonly StudiedArm[]): Figure {
  const groups = groupsOf(studied);
  return {
    number: 2,
    title: "Held-out loss over rounds",
    text: [
      "Of the half of the held-out texts that nothing was chosen by. Bars are standard errors over seeds, rings where the other half would have stopped.",
    ],
    charts: groups.map((arms) => ({
      title: `${arms[0]?.task}, ${arms[0]?.devices} devices`,
      xLabel: "round",
      yLabel: "held-out loss, nats",
      series: arms.map((own) => ({
        name: own.arm,
        points: roundsOf(own).map(({ round, values, isStop }) => {
          const [y, error] = [
            mean(values.map(({ report }) => report)),
            standardError(values.map(({ report }) => report)) ?? 0,
          ];
          return { x: round, y, low: y - error, high: y + error, isMarked: isStop };
        }),
      })),
    })),
    table: {
      columns: [
        "task",
        "devices",
        "arm",
        "learning_rate",
        "round",
        "seeds",
        "dropout_rate",
        "train",
        "held_out",
        "accuracy",
      ],
      rows: groups.flat().flatMap((own) =>
        roundsOf(own).map(({ round, values }) => {
          const accuracies = values.flatMap(({ accuracy }) => accuracy ?? []);
          return [
            own.task,
            own.devices,
            own.arm,
            own.learningRate,
            round,
            values.length,
            mean(values.map(({ dropoutRate }) => dropoutRate)),
            mean(values.map(({ train }) => train)),
            mean(values.map(({ report }) => report)),
            accuracies.length === 0 ? null : mean(accuracies),
          ];
        }),
      ),
    },
  };
}

interface MeasuredRound {
  readonly round: number;
  /** One a seed. */
  readonly values: readonly Point[];
  /** Where the texts that may choose are, on the mean over seeds, learned best. */
  readonly isStop: boolean;
}

function roundsOf({ cells }: StudiedArm): readonly MeasuredRound[] {
  const rounds = new Map<number, Point[]>();
  for (const point of cells.flatMap(({ points }) => points))
    rounds.set(point.round, [...(rounds.get(point.round) ?? []), point]);
  const sorted = [...rounds].sort(([a], [b]) => a - b);
  const chosenBy = sorted.map(([, values]) => mean(values.map(({ choose }) => choose)));
  const stop = chosenBy.indexOf(Math.min(...chosenBy));
  return sorted.map(([round, values], i) => ({ round, values, isStop: i === stop }));
}
