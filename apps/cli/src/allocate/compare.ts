/** All methods on one problem, side by side. J alone hides devices that were left out, so they are counted beside it. */
import {
  type Allocation,
  type AllocationProblem,
  allocate,
  type Method,
  methods,
  type SolveOptions,
} from "@fedlodrop/allocation";

export interface ComparisonRow {
  readonly method: Method;
  readonly objective: number;
  readonly excludedDevices: number;
  /** 0 when everybody is excluded, here and below. */
  readonly maxLatencySeconds: number;
  readonly totalEnergyJoules: number;
  readonly meanDropoutRate: number;
  readonly milliseconds: number;
}

/** Draws of `random-owners` whose mean stands for it. */
const randomDraws = 20;

/** One row a method, in the order of `methods`; `random-owners` is the mean of twenty draws. */
export function compareMethods(problem: AllocationProblem, options: SolveOptions = {}): ComparisonRow[] {
  return methods.map((method) => {
    const seeds = method === "random-owners" ? Array.from({ length: randomDraws }, (_, i) => i + 1) : [1];
    const rows = seeds.map((seed) => rowOf(allocate(problem, method, { ...options, seed })));
    const mean = (pick: (row: ComparisonRow) => number): number =>
      rows.reduce((sum, row) => sum + pick(row), 0) / rows.length;
    return {
      method,
      objective: mean((row) => row.objective),
      excludedDevices: mean((row) => row.excludedDevices),
      maxLatencySeconds: mean((row) => row.maxLatencySeconds),
      totalEnergyJoules: mean((row) => row.totalEnergyJoules),
      meanDropoutRate: mean((row) => row.meanDropoutRate),
      milliseconds: mean((row) => row.milliseconds),
    };
  });
}

function rowOf(allocation: Allocation): ComparisonRow {
  const admitted = allocation.devices.flatMap((device) => (device.kind === "admitted" ? [device] : []));
  const rates = admitted.reduce((sum, device) => sum + device.dropoutRate, 0);
  return {
    method: allocation.method,
    objective: allocation.objective,
    excludedDevices: allocation.devices.length - admitted.length,
    maxLatencySeconds: Math.max(0, ...admitted.map((device) => device.latencySeconds)),
    totalEnergyJoules: admitted.reduce((sum, device) => sum + device.energyJoules, 0),
    meanDropoutRate: rates / Math.max(1, admitted.length),
    milliseconds: allocation.milliseconds,
  };
}

/** The rows as aligned text. */
export function comparisonTable(rows: readonly ComparisonRow[]): string {
  const cells = rows.map((row) => [
    row.method,
    row.objective.toPrecision(8),
    Number.isInteger(row.excludedDevices) ? String(row.excludedDevices) : row.excludedDevices.toFixed(1),
    row.maxLatencySeconds.toFixed(3),
    row.totalEnergyJoules.toFixed(3),
    row.meanDropoutRate.toFixed(4),
    row.milliseconds.toFixed(2),
  ]);
  return alignedTable(["method", "J", "excluded", "max T s", "sum E J", "mean gamma", "ms"], cells);
}

/** Columns as wide as their widest cell; the first flush left, the others flush right. */
export function alignedTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, i) => Math.max(...all.map((row) => (row[i] as string).length)));
  return all
    .map((row) =>
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number)))
        .join("  "),
    )
    .join("\n");
}
