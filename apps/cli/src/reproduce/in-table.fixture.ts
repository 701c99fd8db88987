/** Whatever a figure draws is in its table: a point's coordinates, and what its bar reaches to either side, in one row. */
import { expect } from "vitest";
import { csvText, type Figure } from "./figure.ts";

/** @param errors how many of a row's errors its bar is long on each side */
export function expectInTable({ charts, table }: Pick<Figure, "charts" | "table">, errors = 1): void {
  const rows = csvText(table)
    .split("\n")
    .map((line) => new Set(line.split(",")));
  for (const chart of charts) {
    const drawn =
      "rows" in chart
        ? chart.rows.map(({ name, x, low = x, high = x }) => [name, x, ...halves(x, low, high, errors)])
        : chart.series.flatMap(({ points }) =>
            points.map(({ x, y, low = y, high = y }) => [x, y, ...halves(y, low, high, errors)]),
          );
    expect(drawn.length, chart.title).toBeGreaterThan(0);
    for (const values of drawn) {
      const texts = values.map((value) => (typeof value === "number" ? asCell(value) : value));
      const row = rows.find((cells) => texts.every((text) => cells.has(text)));
      expect(row, `${chart.title}: a row with ${texts.join(" and ")}`).toBeDefined();
    }
  }
}

const asCell = (value: number): string => String(Number(value.toPrecision(6)));

/** Lengths of a bar on both sides, a difference's last digits being noise; nothing of none. */
const halves = (middle: number, low: number, high: number, errors: number): readonly number[] =>
  low === high ? [] : [middle - low, high - middle].map((length) => Number((length / errors).toPrecision(9)));
