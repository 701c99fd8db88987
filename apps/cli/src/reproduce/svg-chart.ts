/** A line chart as SVG text: series with intervals, axes with round numbers, a legend. */
export interface ChartPoint {
  readonly x: number;
  readonly y: number;
  /** Ends of the interval; y itself where there is none. */
  readonly low?: number;
  readonly high?: number;
}

export interface Chart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly logarithmic?: boolean;
  readonly series: readonly { readonly name: string; readonly points: readonly ChartPoint[] }[];
}

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [560, 340, 62, 170, 34, 46];
/** Okabe and Ito's, which colour-blind readers tell apart. */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999933"];

export function chartSvg({ title, xLabel, yLabel, logarithmic = false, series }: Chart): string {
  const all = series.flatMap(({ points }) => points);
  if (all.length === 0) return "";
  const scaled = (y: number): number => (logarithmic ? Math.log10(y) : y);
  const xs = all.map(({ x }) => x);
  const ys = all.flatMap(({ y, low = y, high = y }) => [low, high]).map(scaled);
  const [left, right] = widened(Math.min(...xs), Math.max(...xs), 0);
  const [bottom, top] = widened(Math.min(...ys), Math.max(...ys), 0.05);
  const atX = (x: number): number => LEFT + ((x - left) / (right - left)) * (WIDTH - LEFT - RIGHT);
  const atY = (y: number): number =>
    HEIGHT - BOTTOM - ((scaled(y) - bottom) / (top - bottom)) * (HEIGHT - TOP - BOTTOM);
  const text = (x: number, y: number, content: string, more = ""): string =>
    `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${escaped(content)}</text>`;
  const xTicks = ticks(left, right).map((x) =>
    text(atX(x), HEIGHT - BOTTOM + 16, short(x), 'text-anchor="middle"'),
  );
  const yTicks = ticks(bottom, top).map((tick) => {
    const y = logarithmic ? 10 ** tick : tick;
    const line = `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${atY(y).toFixed(1)}" y2="${atY(y).toFixed(1)}" stroke="#ddd"/>`;
    return line + text(LEFT - 6, atY(y) + 4, short(y), 'text-anchor="end"');
  });
  const lines = series.map(({ name, points }, i) => {
    const colour = COLOURS[i % COLOURS.length] as string;
    const path = points.map(({ x, y }) => `${atX(x).toFixed(1)},${atY(y).toFixed(1)}`).join(" ");
    const marks = points.map(({ x, y, low = y, high = y }) => {
      const [at, from, to] = [atX(x), atY(low), atY(high)].map((value) => value.toFixed(1));
      return `<line x1="${at}" x2="${at}" y1="${from}" y2="${to}" stroke="${colour}"/><circle cx="${at}" cy="${atY(y).toFixed(1)}" r="3" fill="${colour}"/>`;
    });
    const y = TOP + 8 + 16 * i;
    return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="1.5"/>${marks.join("")}<circle cx="${WIDTH - RIGHT + 14}" cy="${y - 4}" r="4" fill="${colour}"/>${text(WIDTH - RIGHT + 24, y, name)}`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="12" role="img" aria-label="${escaped(title)}"><rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>${text(LEFT, 18, title, 'font-weight="bold" font-size="13"')}${yTicks.join("")}${xTicks.join("")}${text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, xLabel, 'text-anchor="middle"')}${text(-(HEIGHT - BOTTOM + TOP) / 2, 14, yLabel, 'text-anchor="middle" transform="rotate(-90)"')}${lines.join("")}</svg>`;
}

function widened(low: number, high: number, share: number): readonly [number, number] {
  const margin = high > low ? share * (high - low) : 0.5;
  return [low - margin, high + margin];
}

/** Three to seven round numbers. */
function ticks(low: number, high: number): number[] {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, i) => (first + i) * step);
}

const short = (value: number): string => String(Number(value.toPrecision(3)));

export const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
