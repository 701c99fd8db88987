/** Figure 2: held-out loss over rounds, each method at its own learning rate. */
import type { Point } from "../cell.ts";
import { type Figure, mean, standardError } from "../figure.ts";
import { fixedRate, groupsOf, type StudiedArm } from "../studied.ts";
import type { Chart } from "../svg-chart.ts";
import { lastOf } from "../tuning.ts";

export function lossOverRounds(studied: readonly StudiedArm[]): Figure {
  const groups = groupsOf(studied);
  return {
    number: 2,
    title: "Held-out loss over rounds",
    text: [
      "Of the half of the held-out texts that nothing was chosen by. Bars are standard errors over seeds, rings where the other half would have stopped. Of the fixed rates 0 and the best other one are drawn; what sends nothing stands beside them in a chart of its own.",
    ],
    charts: groups.flatMap(chartsOf),
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

function chartsOf(arms: readonly StudiedArm[]): readonly Chart[] {
  const finalOf = ({ cells }: StudiedArm): number => mean(cells.map((cell) => lastOf(cell).report));
  const others = arms.filter(({ arm }) => (fixedRate(arm) ?? 0) > 0);
  const best = others.reduce<StudiedArm | null>(
    (low, own) => (low === null || finalOf(own) < finalOf(low) ? own : low),
    null,
  );
  const [unsent, sent] = [true, false].map((sendsNothing) =>
    arms.filter(({ cells }) => cells.every((cell) => lastOf(cell).bytes === 0) === sendsNothing),
  ) as [StudiedArm[], StudiedArm[]];
  const drawn = sent.filter((own) => fixedRate(own.arm) === null || fixedRate(own.arm) === 0 || own === best);
  const title = `${arms[0]?.task}, ${arms[0]?.devices} devices`;
  if (unsent.length === 0) return [chartOf(title, drawn)];
  const beside = drawn.filter(({ arm }) => fixedRate(arm) !== null);
  return [chartOf(title, drawn), chartOf(`${title}: what sends nothing`, [...beside, ...unsent])];
}

const chartOf = (title: string, arms: readonly StudiedArm[]): Chart => ({
  title,
  xLabel: "round",
  yLabel: "held-out loss, nats",
  series: arms.map((own) => ({
    name: own.arm,
    points: roundsOf(own).map(({ round, values, isStop }) => {
      const reports = values.map(({ report }) => report);
      const [y, error] = [mean(reports), standardError(reports) ?? 0];
      return { x: round, y, low: y - error, high: y + error, isMarked: isStop };
    }),
  })),
});

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
