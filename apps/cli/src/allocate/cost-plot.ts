/** A device's cost over its dropout rate as an SVG: the gap falls, the variance rises, their sum is U-shaped. */
import {
  type Allocation,
  type AllocationProblem,
  type DeviceLoad,
  generalisationGap,
  varianceFactor,
} from "@fedlodrop/allocation";

const [width, height] = [720, 440];
const frame = { left: 70, right: 20, top: 50, bottom: 55 };
const samples = 200;
const [totalColour, gapColour, varianceColour] = ["#20405f", "#1b7f5c", "#b5541c"];
const legend = [
  ["J", totalColour, 0],
  ["- - generalisation gap", gapColour, 30],
  ["· · variance of masked training", varianceColour, 190],
] as const;

/** The part of J that moves with the dropout rate of device k, others as allocated, and its two terms. Marks the least of the
 *  curve and the rate allocated, which lies to its right where time or energy bind.
 *  @throws when there is no such device, or one dropout rate alone is allowed */
export function costPlotSvg(problem: AllocationProblem, allocation: Allocation, device: number): string {
  const load = problem.devices[device];
  if (load === undefined) {
    throw new Error(`plot: expected a device below ${problem.devices.length}, got ${device}`);
  }
  const { minDropoutRate: first, maxDropoutRate: last } = problem;
  if (first === last) throw new Error(`plot: expected gamma_max above gamma_min, got ${last} for both`);
  const rates = Array.from({ length: samples + 1 }, (_, i) => first + ((last - first) * i) / samples);
  const curves = rates.map((rate) => ({ rate, ...termsAt(problem, allocation, load, device, rate) }));
  // The variance term grows without bound; what lies far above the least total would flatten everything else.
  const least = curves.reduce((best, point) => (point.total < best.total ? point : best));
  const top = Math.min(Math.max(...curves.map((point) => point.total)), 3 * least.total);

  const x = (rate: number): number =>
    frame.left + ((width - frame.left - frame.right) * (rate - first)) / (last - first);
  const y = (value: number): number =>
    height - frame.bottom - ((height - frame.top - frame.bottom) * value) / top;
  const line = (pick: (point: (typeof curves)[number]) => number, colour: string, dash: string): string => {
    const points = curves.filter((point) => pick(point) <= top);
    const path = points.map((point) => `${x(point.rate).toFixed(1)},${y(pick(point)).toFixed(1)}`).join(" ");
    return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"${dash}/>`;
  };
  const text = (at: string, words: string, extra = ""): string =>
    `<text ${at}${extra}>${escaped(words)}</text>`;
  const chosen = allocation.devices[device];
  const axis = height - frame.bottom;

  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    text(`x="${frame.left}" y="22" font-size="15"`, `${problem.id}: device ${device}`),
    ...ticks(0, top, 5).flatMap((value) => [
      `<line x1="${frame.left}" x2="${width - frame.right}" y1="${y(value)}" y2="${y(value)}" stroke="#ddd"/>`,
      text(
        `x="${frame.left - 8}" y="${y(value) + 4}" text-anchor="end"`,
        Number(value.toPrecision(3)).toString(),
      ),
    ]),
    ...ticks(first, last, 9).map((rate) =>
      text(`x="${x(rate)}" y="${axis + 20}" text-anchor="middle"`, rate.toFixed(2)),
    ),
    text(
      `x="${(frame.left + width - frame.right) / 2}" y="${height - 14}" text-anchor="middle"`,
      "dropout rate γ",
    ),
    line((point) => point.gap, gapColour, ' stroke-dasharray="6 4"'),
    line((point) => point.variance, varianceColour, ' stroke-dasharray="2 3"'),
    line((point) => point.total, totalColour, ""),
    `<circle cx="${x(least.rate)}" cy="${y(least.total)}" r="5" fill="${totalColour}"/>`,
    text(
      `x="${x(least.rate)}" y="${y(least.total) + 22}" text-anchor="middle"`,
      `least at γ = ${least.rate.toFixed(3)}`,
    ),
    ...legend.map(([name, colour, left]) => text(`x="${frame.left + left}" y="42" fill="${colour}"`, name)),
  ];
  if (chosen?.kind === "admitted") {
    const at = x(chosen.dropoutRate).toFixed(1);
    parts.push(
      `<line x1="${at}" x2="${at}" y1="${frame.top}" y2="${axis}" stroke="#888" stroke-dasharray="3 3"/>`,
      text(
        `x="${at}" dx="6" y="${frame.top + 14}" fill="#555"`,
        `allocated γ = ${chosen.dropoutRate.toFixed(3)}`,
      ),
    );
  } else {
    parts.push(
      text(`x="${width - frame.right}" y="42" text-anchor="end" fill="#555"`, "excluded this round"),
    );
  }
  return `${[...parts, "</svg>"].join("\n")}\n`;
}

/** J and the two terms of one device at a dropout rate, the other devices as allocated. */
function termsAt(
  problem: AllocationProblem,
  allocation: Allocation,
  load: DeviceLoad,
  device: number,
  rate: number,
): { total: number; gap: number; variance: number } {
  const { mode, bound, varianceExponent } = problem.objective;
  const s = 1 - rate;
  const variance = load.varianceCoefficient * varianceFactor(s, varianceExponent);
  if (mode === "device") {
    const gap = load.weight * generalisationGap(bound, 1 - s * s);
    return { total: gap + variance, gap, variance };
  }
  const kept = problem.devices.reduce((sum, { weight }, k) => {
    const other = allocation.devices[k];
    const keepRate = other?.kind === "admitted" ? 1 - other.dropoutRate : 1 - problem.maxDropoutRate;
    return sum + weight * (k === device ? s : keepRate) ** 2;
  }, 0);
  const gap = generalisationGap(bound, 1 - kept);
  return { total: gap + variance, gap, variance };
}

function ticks(from: number, to: number, count: number): number[] {
  return Array.from({ length: count + 1 }, (_, i) => from + ((to - from) * i) / count);
}

function escaped(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
