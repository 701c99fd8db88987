/** Figure 4: the objective under tighter and looser limits and in larger cells, by method, what solving takes, and losses of limited runs. */
import { type AllocationProblem, allocate, methods, radioProblem, randomSystem } from "@fedlodrop/allocation";
import { ARMS } from "../arms.ts";
import type { DotPlot } from "../dot-plot.ts";
import { type Figure, mean, standardError } from "../figure.ts";
import { type LimitedRun, type Setting, settingName } from "../limited.ts";
import type { Chart } from "../svg-chart.ts";

interface Posed {
  readonly axis: "deadline" | "energy" | "devices" | "sub-channels";
  /** Factor of the limit, or a count. */
  readonly value: number;
  readonly pose: (seed: number) => AllocationProblem;
}

const cell = (seed: number, devices = 8, channels = 32): AllocationProblem =>
  radioProblem(randomSystem({ seed, devices, channels, family: "browser", slack: 1.3 }));

const settings = (quick: boolean): readonly Posed[] => [
  ...[0.6, 0.8, 1, 1.5, 2, 3].map(
    (value): Posed => ({
      axis: "deadline",
      value,
      pose: (seed) => {
        const problem = cell(seed);
        return { ...problem, deadlineSeconds: value * problem.deadlineSeconds };
      },
    }),
  ),
  ...[0.6, 0.8, 1, 1.5, 2, 3].map(
    (value): Posed => ({
      axis: "energy",
      value,
      pose: (seed) => {
        const problem = cell(seed);
        const devices = problem.devices.map((device) => ({
          ...device,
          energyLimitJoules: value * device.energyLimitJoules,
        }));
        return { ...problem, devices };
      },
    }),
  ),
  ...(quick ? [2, 4, 8, 16] : [2, 4, 8, 16, 32, 64]).map(
    (value): Posed => ({
      axis: "devices",
      value,
      pose: (seed) => cell(seed, value, quick ? 32 : Math.max(32, 4 * value)),
    }),
  ),
  ...(quick ? [16, 32] : [16, 32, 64, 128]).map(
    (value): Posed => ({
      axis: "sub-channels",
      value,
      pose: (seed) => cell(seed, 8, value),
    }),
  ),
];

/** Milliseconds that a solver may take of a cell; what it has then is taken, with its gap. */
const BUDGET_MS = 5000;

/** @param limited runs of the language model under limits */
export function limits(
  seeds: number,
  quick: boolean,
  limited: readonly LimitedRun[],
  now: () => number,
): Figure {
  const rows = settings(quick).flatMap(({ axis, value, pose }) =>
    methods.map((method) => {
      const solved = Array.from({ length: seeds }, (_, seed) =>
        allocate(pose(seed + 1), method, { now, timeBudgetMilliseconds: BUDGET_MS }),
      );
      return {
        axis,
        value,
        method,
        objective: mean(solved.map(({ objective }) => objective)),
        excluded: mean(solved.map(({ devices }) => devices.filter(({ kind }) => kind === "excluded").length)),
        milliseconds: mean(solved.map(({ milliseconds }) => milliseconds)),
        gap: Math.max(...solved.map(({ gap }) => gap)),
      };
    }),
  );
  const sizes = ["devices", "sub-channels"] as const;
  const axes = ["deadline", "energy", ...sizes] as const;
  const chart = (
    axis: (typeof axes)[number],
    yLabel: string,
    of: (row: (typeof rows)[number]) => number,
  ): Chart => ({
    title: `${yLabel} over ${axis}`,
    xLabel: axis === "deadline" || axis === "energy" ? `${axis} limit, as a factor` : axis,
    yLabel,
    logarithmic: true,
    series: methods.map((method) => ({
      name: method,
      points: rows
        .filter((row) => row.axis === axis && row.method === method)
        .map((row) => ({ x: row.value, y: of(row) }))
        // A logarithm has no place for what is nothing, and no axis for what is unknown.
        .filter(({ y }) => y > 0 && Number.isFinite(y)),
    })),
  });
  const losses = lossesOf(limited);
  return {
    number: 4,
    title: "Limits, size, and what solving takes",
    text: [
      `Means of ${seeds} seeded radio cells a setting (8 devices and 32 sub-channels of 30 kHz where nothing else is said; with more devices, four sub-channels each). An excluded device counts in J, so that J must be read beside how many there are. The gap is the largest that a method certifies, where it certifies one. Simulated cells, real solvers; times are wall times of this machine.`,
      ...(losses.length === 0
        ? []
        : [
            "Held-out losses after the last round are of the language model in the emulated cell, of every four devices the last two being two and three times slower; whoever breaks a limit is out of that round, so that all methods have the same time and the same joules to spend. Bars are standard errors over seeds.",
          ]),
    ],
    charts: [
      ...axes.map((axis) => chart(axis, "objective J, nats", ({ objective }) => objective)),
      ...sizes.map((axis) => chart(axis, "milliseconds to solve", ({ milliseconds }) => milliseconds)),
      ...sizes.map((axis) => chart(axis, "certified gap", ({ gap }) => gap)),
      ...LOSS_AXES.flatMap((axis) => lossesOver(axis, losses)),
      ...plotsOf(losses),
    ],
    table: {
      columns: [
        ...["axis", "value", "method", "objective", "excluded", "milliseconds", "gap"],
        ...["deadline_seconds", "energy_limit_joules", "devices", "sub_channels"],
        ...["learning_rate", "seeds", "held_out", "held_out_error", "took_part", "dropout_rate"],
      ],
      rows: [
        ...rows.map(({ gap, ...row }) => [
          ...Object.values(row),
          Number.isFinite(gap) ? gap : null,
          ...Array<null>(10).fill(null),
        ]),
        ...losses.map(({ setting, arm, ...own }) => [
          ...["held-out loss", null, arm],
          ...Array<null>(4).fill(null),
          ...[setting.deadlineSeconds, setting.energyLimitJoules, setting.devices, setting.subChannels],
          ...[own.learningRate, own.seeds, own.heldOut, own.error, own.tookPart, own.dropoutRate],
        ]),
      ],
    },
  };
}

interface LimitedLoss {
  readonly setting: Setting;
  readonly arm: string;
  readonly learningRate: number;
  readonly seeds: number;
  readonly heldOut: number;
  readonly error: number | null;
  readonly tookPart: number;
  /** Null where nobody took part. */
  readonly dropoutRate: number | null;
}

/** Means over seeds, in the order of settings and arms, whichever ended first. */
function lossesOf(limited: readonly LimitedRun[]): readonly LimitedLoss[] {
  const keyOf = (run: LimitedRun): string => [settingName(run), run.arm, run.learningRate].join();
  const cells = new Map(limited.map((run) => [keyOf(run), run]));
  const losses = [...cells].map(([key, { arm, learningRate, ...setting }]): LimitedLoss => {
    const runs = limited.filter((run) => keyOf(run) === key);
    const heldOut = runs.map((run) => run.heldOut);
    const rates = runs.flatMap(({ dropoutRate }) => dropoutRate ?? []);
    return {
      ...{ setting, arm, learningRate, seeds: runs.length },
      ...{ heldOut: mean(heldOut), error: standardError(heldOut) },
      ...{
        tookPart: mean(runs.map((run) => run.tookPart)),
        dropoutRate: rates.length === 0 ? null : mean(rates),
      },
    };
  });
  const arms = Object.keys(ARMS);
  const places = ({ setting, arm }: LimitedLoss): readonly number[] => [
    ...LOSS_AXES.map(({ of }) => setting[of] ?? 0),
    arms.indexOf(arm),
  ];
  return losses.sort((a, b) => firstDifference(places(a), places(b)));
}

const firstDifference = (a: readonly number[], b: readonly number[]): number =>
  a.map((value, i) => value - (b[i] as number)).find((difference) => difference !== 0) ?? 0;

const LOSS_AXES = [
  { of: "deadlineSeconds", label: "T_max, seconds" },
  { of: "energyLimitJoules", label: "E_max, joules" },
  { of: "devices", label: "K" },
  { of: "subChannels", label: "M" },
] as const;

/** Of the settings that differ in nothing but what is on the axis; where there are several such rows of settings, the longest. */
function lossesOver({ of, label }: (typeof LOSS_AXES)[number], losses: readonly LimitedLoss[]): Chart[] {
  const placeOf = ({ setting }: LimitedLoss): number => setting[of] as number;
  const others = ({ setting }: LimitedLoss): string => settingName({ ...setting, [of]: 0 });
  const along = losses.filter(({ setting }) => setting[of] !== null);
  const [row = []] = [...new Set(along.map(others))]
    .map((name) => along.filter((own) => others(own) === name))
    .sort((a, b) => countOf(b.map(placeOf)) - countOf(a.map(placeOf)));
  if (countOf(row.map(placeOf)) < 2) return [];
  return [
    {
      title: `Held-out loss over ${label}`,
      xLabel: label,
      yLabel: "held-out loss, nats",
      series: [...new Set(row.map(({ arm }) => arm))].map((name) => ({
        name,
        points: row
          .filter(({ arm }) => arm === name)
          .sort((a, b) => placeOf(a) - placeOf(b))
          .map((own) => ({ x: placeOf(own), y: own.heldOut, ...rangeOf(own) })),
      })),
    },
  ];
}

const countOf = (values: readonly number[]): number => new Set(values).size;

const rangeOf = ({ heldOut, error }: LimitedLoss): { low: number; high: number } => ({
  low: heldOut - (error ?? 0),
  high: heldOut + (error ?? 0),
});

const plotsOf = (losses: readonly LimitedLoss[]): readonly DotPlot[] =>
  [...new Set(losses.map(({ setting }) => settingName(setting)))].map((name) => ({
    title: name,
    xLabel: "held-out loss, nats",
    rows: losses
      .filter(({ setting }) => settingName(setting) === name)
      .map((own) => ({ name: own.arm, x: own.heldOut, ...rangeOf(own) })),
    reference: null,
  }));
