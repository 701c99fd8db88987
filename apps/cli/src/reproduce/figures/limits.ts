/** Figure 4: the objective under tighter and looser limits and in larger cells, by method, what solving takes, and losses of limited runs. */
import {
  type AllocationProblem,
  allocate,
  type Method,
  radioProblem,
  randomSystem,
} from "@fedlodrop/allocation";
import type { DotPlot } from "../dot-plot.ts";
import { type Figure, mean, standardError } from "../figure.ts";
import type { LimitedRun } from "../limited.ts";

const METHODS = [
  "branch-and-bound",
  "p-sca",
  "greedy",
  "equal",
  "random-owners",
  "no-dropout",
] as const satisfies readonly Method[];

interface Setting {
  readonly axis: "deadline" | "energy" | "devices" | "sub-channels";
  /** Factor of the limit, or a count. */
  readonly value: number;
  readonly pose: (seed: number) => AllocationProblem;
}

const cell = (seed: number, devices = 8, channels = 32): AllocationProblem =>
  radioProblem(randomSystem({ seed, devices, channels, family: "browser", slack: 1.3 }));

const settings = (quick: boolean): readonly Setting[] => [
  ...[0.6, 0.8, 1, 1.5, 2, 3].map(
    (value): Setting => ({
      axis: "deadline",
      value,
      pose: (seed) => {
        const problem = cell(seed);
        return { ...problem, deadlineSeconds: value * problem.deadlineSeconds };
      },
    }),
  ),
  ...[0.6, 0.8, 1, 1.5, 2, 3].map(
    (value): Setting => ({
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
    (value): Setting => ({
      axis: "devices",
      value,
      pose: (seed) => cell(seed, value, quick ? 32 : Math.max(32, 4 * value)),
    }),
  ),
  ...(quick ? [16, 32] : [16, 32, 64, 128]).map(
    (value): Setting => ({
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
    METHODS.map((method) => {
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
  const axes = ["deadline", "energy", "devices", "sub-channels"] as const;
  const chart = (
    axis: (typeof axes)[number],
    yLabel: string,
    of: (row: (typeof rows)[number]) => number,
    logarithmic: boolean,
  ) => ({
    title: `${yLabel} over ${axis}`,
    xLabel: axis === "deadline" || axis === "energy" ? `${axis} limit, as a factor` : axis,
    yLabel,
    logarithmic,
    series: METHODS.map((method) => ({
      name: method,
      points: rows
        .filter((row) => row.axis === axis && row.method === method)
        .map((row) => ({ x: row.value, y: of(row) })),
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
            "Held-out losses after the last round are of the language model in the emulated cell, some devices being slower than others; whoever breaks a limit is out of that round, so that all methods have the same time and the same joules to spend. Bars are standard errors over seeds.",
          ]),
    ],
    charts: [
      ...axes.map((axis) => chart(axis, "objective J, nats", ({ objective }) => objective, true)),
      chart("devices", "milliseconds to solve", ({ milliseconds }) => Math.max(0.01, milliseconds), true),
      ...plotsOf(losses),
    ],
    table: {
      columns: [
        ...["axis", "value", "method", "objective", "excluded", "milliseconds", "gap"],
        ...["learning_rate", "seeds", "held_out", "held_out_error", "took_part", "dropout_rate"],
      ],
      rows: [
        ...rows.map(({ gap, ...row }) => [
          ...Object.values(row),
          Number.isFinite(gap) ? gap : null,
          ...Array<null>(6).fill(null),
        ]),
        ...losses.map(({ limits: axis, arm, ...own }) => [
          ...[axis, null, arm],
          ...Array<null>(4).fill(null),
          ...[own.learningRate, own.seeds, own.heldOut, own.error, own.tookPart, own.dropoutRate],
        ]),
      ],
    },
  };
}

interface LimitedLoss {
  readonly limits: string;
  readonly arm: string;
  readonly learningRate: number;
  readonly seeds: number;
  readonly heldOut: number;
  readonly error: number | null;
  readonly tookPart: number;
  /** Null where nobody took part. */
  readonly dropoutRate: number | null;
}

/** Means over seeds. */
function lossesOf(limited: readonly LimitedRun[]): readonly LimitedLoss[] {
  const keyOf = ({ limits: own, arm, learningRate }: LimitedRun): string => [own, arm, learningRate].join();
  const cells = new Map(limited.map((run) => [keyOf(run), run]));
  return [...cells].map(([key, { limits: own, arm, learningRate }]) => {
    const runs = limited.filter((run) => keyOf(run) === key);
    const heldOut = runs.map((run) => run.heldOut);
    const rates = runs.flatMap(({ dropoutRate }) => dropoutRate ?? []);
    return {
      ...{ limits: own, arm, learningRate, seeds: runs.length },
      ...{ heldOut: mean(heldOut), error: standardError(heldOut) },
      ...{
        tookPart: mean(runs.map((run) => run.tookPart)),
        dropoutRate: rates.length === 0 ? null : mean(rates),
      },
    };
  });
}

const plotsOf = (losses: readonly LimitedLoss[]): readonly DotPlot[] =>
  [...new Set(losses.map((own) => own.limits))].map((name) => ({
    title: name,
    xLabel: "held-out loss, nats",
    rows: losses
      .filter((own) => own.limits === name)
      .map(({ arm, heldOut, error }) => ({
        name: arm,
        x: heldOut,
        low: heldOut - (error ?? 0),
        high: heldOut + (error ?? 0),
      })),
    reference: null,
  }));
