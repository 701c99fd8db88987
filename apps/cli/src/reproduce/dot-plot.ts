/** Named values beside each other as SVG text: a row each, with its interval and a line where the reference is. */
import { escaped, short, ticks } from "./svg-chart.ts";

export interface DotPlot {
  readonly title: string;
  readonly xLabel: string;
  readonly rows: readonly {
    readonly name: string;
    readonly x: number;
    readonly low?: number;
    readonly high?: number;
  }[];
  readonly reference: number | null;
}

const [WIDTH, LEFT, RIGHT, TOP, ROW, BOTTOM] = [560, 170, 20, 34, 20, 46];

export function dotPlotSvg({ title, xLabel, rows, reference }: DotPlot): string {
  if (rows.length === 0) return "";
  const height = TOP + ROW * rows.length + BOTTOM;
  const all = [
    ...rows.flatMap(({ x, low = x, high = x }) => [low, high]),
    ...(reference === null ? [] : [reference]),
  ];
  const margin = 0.05 * (Math.max(...all) - Math.min(...all)) || 0.5;
  const [least, most] = [Math.min(...all) - margin, Math.max(...all) + margin];
  const at = (x: number): string =>
    (LEFT + ((x - least) / (most - least)) * (WIDTH - LEFT - RIGHT)).toFixed(1);
  const text = (x: number | string, y: number, content: string, more: string): string =>
    `<text x="${x}" y="${y}" ${more}>${escaped(content)}</text>`;
  const upright = (x: number, stroke: string): string =>
    `<line x1="${at(x)}" x2="${at(x)}" y1="${TOP}" y2="${height - BOTTOM}" stroke="${stroke}"/>`;
  const scale = ticks(least, most).map(
    (x) => upright(x, "#ddd") + text(at(x), height - BOTTOM + 16, short(x), 'text-anchor="middle"'),
  );
  const drawn = rows.map(({ name, x, low = x, high = x }, i) => {
    const y = TOP + ROW * (i + 0.5);
    const bar =
      low === high ? "" : `<line x1="${at(low)}" x2="${at(high)}" y1="${y}" y2="${y}" stroke="#0072b2"/>`;
    return `${text(LEFT - 8, y + 4, name, 'text-anchor="end"')}${bar}<circle cx="${at(x)}" cy="${y}" r="4" fill="#0072b2"/>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12" role="img" aria-label="${escaped(title)}"><rect width="${WIDTH}" height="${height}" fill="#fff"/>${text(8, 18, title, 'font-weight="bold" font-size="13"')}${scale.join("")}${reference === null ? "" : upright(reference, "#d55e00")}${drawn.join("")}${text((LEFT + WIDTH - RIGHT) / 2, height - 8, xLabel, 'text-anchor="middle"')}</svg>`;
}
