/** A chart as SVG text: series with intervals, axes with round numbers, a legend. */
export interface ChartPoint {
  readonly x: number;
  readonly y: number;
  /** Ends of the interval; y itself where there is none. */
  readonly low?: number;
  readonly high?: number;
  /** Drawn with a ring around it. */
  readonly isMarked?: boolean;
}

interface Series {
  readonly name: string;
  readonly points: readonly ChartPoint[];
  /** A line through points with bars, points alone, or a line within the band of its intervals; a line when absent. */
  readonly kind?: "line" | "points" | "band";
}

export interface Chart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly logarithmic?: boolean;
  readonly series: readonly Series[];
}

const [WIDTH, LEAST_HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [560, 340, 62, 170, 34, 46];
/** Of a line of the legend. */
const LINE = 16;
/** Okabe and Ito's, which colour-blind readers tell apart. */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999933"];

export function chartSvg({ title, xLabel, yLabel, logarithmic = false, series: given }: Chart): string {
  const series = given.filter(({ points }) => points.length > 0);
  const all = series.flatMap(({ points }) => points);
  if (all.length === 0) return "";
  const height = Math.max(LEAST_HEIGHT, TOP + LINE * (series.length + 1));
  const scaled = (y: number): number => (logarithmic ? Math.log10(y) : y);
  const xs = all.map(({ x }) => x);
  const ys = all.flatMap(({ y, low = y, high = y }) => [low, high]).map(scaled);
  const [left, right] = widened(Math.min(...xs), Math.max(...xs), 0);
  const [bottom, top] = widened(Math.min(...ys), Math.max(...ys), 0.05);
  const atX = (x: number): number => LEFT + ((x - left) / (right - left)) * (WIDTH - LEFT - RIGHT);
  const atY = (y: number): number =>
    height - BOTTOM - ((scaled(y) - bottom) / (top - bottom)) * (height - TOP - BOTTOM);
  const text = (x: number, y: number, content: string, more = ""): string =>
    `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${escaped(content)}</text>`;
  const xTicks = ticks(left, right).map((x) =>
    text(atX(x), height - BOTTOM + 16, short(x), 'text-anchor="middle"'),
  );
  const yTicks = ticks(bottom, top).map((tick) => {
    const y = logarithmic ? 10 ** tick : tick;
    const line = `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${atY(y).toFixed(1)}" y2="${atY(y).toFixed(1)}" stroke="#ddd"/>`;
    return line + text(LEFT - 6, atY(y) + 4, short(y), 'text-anchor="end"');
  });
  const path = (points: readonly (readonly [number, number])[]): string =>
    points.map(([x, y]) => `${atX(x).toFixed(1)},${atY(y).toFixed(1)}`).join(" ");
  const lines = series.map(({ name, points, kind = "line" }, i) => {
    const colour = COLOURS[i % COLOURS.length] as string;
    // A second time round the colours, lines are dashed and dots are hollow.
    const isAgain = i >= COLOURS.length;
    const dash = isAgain ? ' stroke-dasharray="5 3"' : "";
    const dot = isAgain ? `fill="#fff" stroke="${colour}"` : `fill="${colour}"`;
    const marks = points.map(({ x, y, low = y, high = y, isMarked = false }) => {
      const [at, middle, from, to] = [atX(x), atY(y), atY(low), atY(high)].map((value) => value.toFixed(1));
      const bar =
        kind === "band" || from === to
          ? ""
          : `<line x1="${at}" x2="${at}" y1="${from}" y2="${to}" stroke="${colour}"/>`;
      const ring = isMarked
        ? `<circle class="ring" cx="${at}" cy="${middle}" r="7" fill="none" stroke="${colour}"/>`
        : "";
      return `${bar}${ring}<circle cx="${at}" cy="${middle}" r="${kind === "band" ? 2 : 3}" ${dot}/>`;
    });
    const band =
      kind === "band"
        ? `<polygon points="${path([...points.map(({ x, y, high = y }) => [x, high] as const), ...points.toReversed().map(({ x, y, low = y }) => [x, low] as const)])}" fill="${colour}" fill-opacity="0.15"/>`
        : "";
    const line =
      kind === "points"
        ? ""
        : `<polyline points="${path(points.map(({ x, y }) => [x, y] as const))}" fill="none" stroke="${colour}" stroke-width="1.5"${dash}/>`;
    const y = TOP + 8 + LINE * i;
    return `${band}${line}${marks.join("")}<circle class="key" cx="${WIDTH - RIGHT + 14}" cy="${y - 4}" r="4" ${dot}/>${text(WIDTH - RIGHT + 24, y, cut(name))}`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12" role="img" aria-label="${escaped(title)}"><rect width="${WIDTH}" height="${height}" fill="#fff"/>${text(LEFT, 18, title, 'font-weight="bold" font-size="13"')}${yTicks.join("")}${xTicks.join("")}${text((LEFT + WIDTH - RIGHT) / 2, height - 8, xLabel, 'text-anchor="middle"')}${text(-(height - BOTTOM + TOP) / 2, 14, yLabel, 'text-anchor="middle" transform="rotate(-90)"')}${lines.join("")}</svg>`;
}

function widened(low: number, high: number, share: number): readonly [number, number] {
  const margin = high > low ? share * (high - low) : 0.5;
  return [low - margin, high + margin];
}

/** Three to seven round numbers. */
export function ticks(low: number, high: number): number[] {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, i) => (first + i) * step);
}

/** As much of a name as fits beside a chart. */
const cut = (name: string): string => (name.length <= 24 ? name : `${name.slice(0, 23)}…`);

export const short = (value: number): string => String(Number(value.toPrecision(3)));

export const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
