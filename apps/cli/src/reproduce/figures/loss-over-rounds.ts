/** Figure 2: held-out loss and accuracy over rounds, each method at its own learning rate. */
import type { Point } from "../cell.ts";
import { barAt, estimateOf, type Figure, mean } from "../figure.ts";
import {
  fixedRate,
  groupsOf,
  groupTitle,
  measuredRounds,
  type StudiedArm,
  withoutOtherRates,
} from "../studied.ts";
import type { Chart } from "../svg-chart.ts";
import { bestOf, lastOf } from "../tuning.ts";

interface Quantity {
  readonly yLabel: string;
  /** Null where a task has none. */
  of(point: Point): number | null;
}

const HELD_OUT: Quantity = { yLabel: "held-out loss, nats", of: ({ report }) => report };
const ACCURACY: Quantity = { yLabel: "accuracy, held out", of: ({ accuracy }) => accuracy };

export function lossOverRounds(studied: readonly StudiedArm[]): Figure {
  const groups = groupsOf(studied);
  const labelled = groups.filter((arms) =>
    arms.some(({ cells }) => cells.some(({ points }) => valuesOf(points, ACCURACY).length > 0)),
  );
  return {
    number: 2,
    title: "Held-out loss and accuracy over rounds",
    text: [
      "Of the half of the held-out texts that nothing was chosen by. Bars are standard errors over seeds, rings where the other half would have stopped. Of the fixed rates 0 and the best other one are drawn; what sends nothing stands beside them in a chart of its own. Accuracy is of tasks with labels. In the table “stop” is the ring's round, and “stopped”, beside it, what seeds had that were each stopped in their own.",
    ],
    charts: [
      ...groups.flatMap((arms) => chartsOf(groupTitle(arms), arms, HELD_OUT)),
      ...labelled.flatMap((arms) => chartsOf(`${groupTitle(arms)}: accuracy`, arms, ACCURACY)),
    ],
    table: {
      columns: [
        ...["task", "devices", "arm", "learning_rate", "round", "seeds", "dropout_rate", "train"],
        ...["held_out", "held_out_error", "accuracy", "accuracy_error", "stop", "stopped", "stopped_error"],
      ],
      rows: groups
        .flat()
        .flatMap((own) =>
          measuredRounds(own).map(({ round, values, isStop }) => [
            ...[own.task, own.devices, own.arm, own.learningRate, round, values.length],
            mean(values.map(({ dropoutRate }) => dropoutRate)),
            mean(values.map(({ train }) => train)),
            ...estimateOf(valuesOf(values, HELD_OUT)),
            ...estimateOf(valuesOf(values, ACCURACY)),
            Number(isStop),
            ...(isStop ? estimateOf(own.cells.map((cell) => bestOf(cell).report)) : [null, null]),
          ]),
        ),
    },
  };
}

const valuesOf = (points: readonly Point[], { of }: Quantity): readonly number[] =>
  points.flatMap((point) => of(point) ?? []);

function chartsOf(title: string, arms: readonly StudiedArm[], quantity: Quantity): readonly Chart[] {
  const [unsent, sent] = [true, false].map((sendsNothing) =>
    arms.filter(({ cells }) => cells.every((cell) => lastOf(cell).bytes === 0) === sendsNothing),
  ) as [StudiedArm[], StudiedArm[]];
  const drawn = withoutOtherRates(sent);
  if (unsent.length === 0) return [chartOf(title, drawn, quantity)];
  const beside = drawn.filter(({ arm }) => fixedRate(arm) !== null);
  return [
    chartOf(title, drawn, quantity),
    chartOf(`${title}: what sends nothing`, [...beside, ...unsent], quantity),
  ];
}

const chartOf = (title: string, arms: readonly StudiedArm[], quantity: Quantity): Chart => ({
  title,
  xLabel: "round",
  yLabel: quantity.yLabel,
  series: arms.map((own) => ({
    name: own.arm,
    points: measuredRounds(own).flatMap(({ round, values, isStop }) => {
      const measured = valuesOf(values, quantity);
      return measured.length === 0 ? [] : [{ ...barAt(round, measured), isMarked: isStop }];
    }),
  })),
});
