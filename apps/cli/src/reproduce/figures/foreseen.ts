/** Figure 5: what plans foresaw of rounds against what was measured: gaps, seconds, gradients. */
import {
  COVERAGE,
  convergence,
  type ForeseenSeconds,
  foreseenGap,
  foreseenSeconds,
  intervalsHeld,
  median,
  ROUNDS_TO_LEARN,
} from "@fedlodrop/run";
import type { Figure } from "../figure.ts";
import type { RecordedRun } from "../recorded-run.ts";
import type { Chart } from "../svg-chart.ts";

/** Of a device that ended the round. */
interface ForeseenDevice extends ForeseenSeconds {
  readonly run: string;
  readonly actual: number;
}

export function foreseen(runs: readonly RecordedRun[]): Figure {
  const devices = runs.flatMap(foreseenDevices);
  const learned = devices.filter(({ turn }) => turn > ROUNDS_TO_LEARN);
  const errors = learned.map(({ foreseen, actual }) => Math.abs(foreseen / actual - 1));
  const within = intervalsHeld(devices);
  return {
    number: 5,
    title: "What was foreseen, and what was measured",
    text: [
      "Held-out less training loss of the full adapter: the bound with its calibrated constants, made two rounds before, with one standard deviation on either side, and what was then measured.",
      errors.length === 0
        ? "No device has taken part in enough rounds to compare seconds."
        : `Seconds of a device's round (download, training and upload by its own clock) against those its plan foresaw: after ${ROUNDS_TO_LEARN} rounds the median error is ${(100 * median(errors)).toFixed(1)} % (${errors.length} rounds of devices). Intervals are made of the relative errors of the rounds before, to hold ${100 * COVERAGE} %: ${within.held} of ${within.of} were inside.`,
      "Squared gradient norms, averaged over the rounds so far (of batches under masks, each device's 95th percentile, times the keep rate), and the convergence bound: what the rounds before let expect of them at most, with the loss's step and A as rounds have shown them. docs/allocation.md derives it. It is drawn once the training loss has fallen.",
    ],
    charts: [
      ...runs.flatMap((run): Chart[] => [gapChart(run)]),
      ...(devices.length === 0 ? [] : [secondsChart(runs, devices)]),
      ...runs.flatMap((run): Chart[] => [gradientChart(run)]),
    ].filter(({ series }) => series.some(({ points }) => points.length > 0)),
    table: {
      columns: [
        "run",
        "round",
        "device",
        "gap_foreseen",
        "gap_deviation",
        "gap_measured",
        "gradient_square",
        "convergence_bound",
        "seconds_foreseen",
        "seconds_low",
        "seconds_high",
        "seconds_actual",
      ],
      rows: runs.flatMap((run) => rowsOf(run, devices)),
    },
  };
}

type Row = readonly (string | number | null)[];

/** One for the round as a whole, and one for each device that ended it. */
function rowsOf({ name, rounds }: RecordedRun, devices: readonly ForeseenDevice[]): readonly Row[] {
  const bounds = new Map(convergence(rounds).map((point) => [point.round, point]));
  return rounds.flatMap(({ round, allocation }): Row[] => {
    const bound = bounds.get(round);
    return [
      [
        name,
        round,
        "",
        allocation && foreseenGap(allocation),
        allocation?.constants.gapDeviation ?? null,
        allocation?.measuredGap ?? null,
        bound?.measured ?? null,
        bound?.bound ?? null,
        null,
        null,
        null,
        null,
      ],
      ...devices
        .filter((own) => own.run === name && own.round === round)
        .map(({ device, foreseen, interval, actual }): Row => {
          const [low, high] = interval ?? [null, null];
          return [name, round, device, null, null, null, null, null, foreseen, low, high, actual];
        }),
    ];
  });
}

const foreseenDevices = ({ name, rounds }: RecordedRun): readonly ForeseenDevice[] =>
  foreseenSeconds(rounds).flatMap((own) =>
    own.actual === null ? [] : [{ ...own, run: name, actual: own.actual }],
  );

const gapChart = ({ name, rounds }: RecordedRun): Chart => ({
  title: `${name}: gap, foreseen and measured`,
  xLabel: "round",
  yLabel: "held-out less training loss, nats",
  series: [
    {
      name: "foreseen",
      kind: "band",
      points: rounds.flatMap(({ round, allocation }) => {
        if (allocation === null || allocation.constants.gapDeviation === null) return [];
        const { generalisationTerm: y, constants } = allocation;
        const deviation = constants.gapDeviation as number;
        return [{ x: round, y, low: y - deviation, high: y + deviation }];
      }),
    },
    {
      name: "measured",
      points: rounds.flatMap(({ round, allocation }) =>
        allocation?.measuredGap == null ? [] : [{ x: round, y: allocation.measuredGap }],
      ),
    },
  ],
});

function secondsChart(runs: readonly RecordedRun[], devices: readonly ForeseenDevice[]): Chart {
  const all = devices.flatMap(({ foreseen, actual }) => [foreseen, actual]);
  const ends = [Math.min(...all), Math.max(...all)];
  return {
    title: "Seconds of a device's round",
    xLabel: "foreseen",
    yLabel: "actual",
    series: [
      ...runs.map(({ name }) => ({
        name,
        kind: "points" as const,
        points: devices
          .filter(({ run }) => run === name)
          .map(({ foreseen, actual }) => ({ x: foreseen, y: actual })),
      })),
      { name: "as foreseen", kind: "band" as const, points: ends.map((x) => ({ x, y: x })) },
    ],
  };
}

function gradientChart({ name, rounds }: RecordedRun): Chart {
  const points = convergence(rounds);
  return {
    title: `${name}: squared gradient norm and its bound`,
    xLabel: "round",
    yLabel: "mean over rounds so far, nats²",
    logarithmic: true,
    series: [
      { name: "measured", points: points.map(({ round, measured }) => ({ x: round, y: measured })) },
      {
        name: "convergence bound",
        points: points.flatMap(({ round, bound }) => (bound === null ? [] : [{ x: round, y: bound }])),
      },
    ],
  };
}
