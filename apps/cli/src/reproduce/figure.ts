/** A figure: charts and what they mean, and the table that every number in them is from. */
import type { DotPlot } from "./dot-plot.ts";
import type { Chart, ChartPoint } from "./svg-chart.ts";

export interface Figure {
  readonly number: number;
  readonly title: string;
  /** What is shown and how it was made; each a paragraph. */
  readonly text: readonly string[];
  readonly charts: readonly (Chart | DotPlot)[];
  readonly table: Table;
}

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number | null)[])[];
}

export const csvText = ({ columns, rows }: Table): string =>
  `${[columns, ...rows].map((row) => row.map(csvCell).join()).join("\n")}\n`;

/** A text that a spreadsheet would take for a formula is given a quotation mark, as OWASP advises against CSV injection. */
function csvCell(value: string | number | null): string {
  if (typeof value !== "string") return cellText(value);
  const harmless = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/** Numbers with as many digits as they are good for; null is empty. */
export const cellText = (value: string | number | null): string =>
  value === null ? "" : typeof value === "number" ? String(Number(value.toPrecision(6))) : value;

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Standard error of the mean; null of a single value. */
export function standardError(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  const middle = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1) / values.length);
}

/** Mean and standard error as two cells; nothing of nothing. */
export const estimateOf = (values: readonly number[]): readonly [number | null, number | null] =>
  values.length === 0 ? [null, null] : [mean(values), standardError(values)];

/** Their mean, with a bar of so many standard errors on either side. */
export function barAt(x: number, values: readonly number[], errors = 1): ChartPoint {
  const [y, half] = [mean(values), errors * (standardError(values) ?? 0)];
  return { x, y, low: y - half, high: y + half };
}
