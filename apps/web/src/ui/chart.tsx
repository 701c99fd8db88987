/** A line chart (uPlot) in the page's colours, which follow the colour scheme. */
import { useEffect, useRef } from "preact/hooks";
import "./sound-locale.ts";
import uPlot from "uplot";
import { colourOf, paintInColours } from "./colours.ts";
import { type Band, placedBand } from "./filled.ts";

export interface Line {
  readonly label: string;
  /** A custom property of style.css, e.g. "--series-1". */
  readonly color: string;
  readonly dashed?: boolean;
  /** Marks each value; for lines with few of them. */
  readonly dots?: boolean;
  readonly values: readonly (number | null)[];
}

export interface ChartProps {
  /** What a screen reader says in place of the picture. */
  readonly description: string;
  readonly xTitle: string;
  readonly x: readonly number[];
  /** Those without any value yet are left out. */
  readonly lines: readonly Line[];
  /** Fills all the room between two of `lines`, by their places in it, where the upper one is above, once it is so by `least` anywhere. */
  readonly band?: Band;
  /** Values within ± this are drawn linearly, larger ones logarithmically; absent draws all linearly. */
  readonly linearWithin?: number;
}

export function Chart({ description, xTitle, x, lines: all, band, linearWithin }: ChartProps) {
  const lines = all.filter(({ values }) => values.some((value) => value !== null));
  const filled = band && placedBand(band, all, lines, x);
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  // A line may end before others do.
  const data: uPlot.AlignedData = [[...x], ...lines.map(({ values }) => x.map((_, i) => values[i] ?? null))];
  const latest = useRef(data);
  latest.current = data;
  const look = JSON.stringify([xTitle, linearWithin, filled, ...lines.map(({ values: _, ...line }) => line)]);

  // `look` stands for the lines' labels and colours.
  useEffect(() => {
    const element = holder.current;
    if (!element) return;
    const draw = (): void => {
      plot.current?.destroy();
      plot.current = new uPlot(
        options(element, { xTitle, lines, filled, linearWithin }),
        latest.current,
        element,
      );
    };
    const leave = paintInColours(draw);
    const resized = new ResizeObserver(() =>
      plot.current?.setSize({ width: element.clientWidth, height: element.clientHeight }),
    );
    resized.observe(element);
    return () => {
      leave();
      resized.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [look]);

  // A page hears of its run several times a second, and what is drawn changes once a round.
  const content = JSON.stringify(data);
  useEffect(() => plot.current?.setData(latest.current), [content]);

  return (
    <figure>
      <div class="chart" ref={holder} role="img" aria-label={description} />
      <figcaption class="legend">
        {lines.map(({ label, color, dashed }) => (
          <span key={label}>
            <span class={dashed ? "key dashed" : "key"} style={`--key: var(${color})`} />
            {label}
          </span>
        ))}
        {filled && (
          <span>
            <span class="key filled" style={`--key: var(${filled.color})`} />
            {filled.label}
          </span>
        )}
      </figcaption>
    </figure>
  );
}

type Look = Pick<ChartProps, "xTitle" | "lines"> & {
  readonly filled: Band | undefined;
  readonly linearWithin: number | undefined;
};

function options(element: HTMLElement, { xTitle, lines, filled, linearWithin }: Look): uPlot.Options {
  const rootPixels = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const font = `${0.75 * rootPixels}px system-ui, sans-serif`;
  const axis: uPlot.Axis = {
    stroke: colourOf("--muted"),
    grid: { stroke: colourOf("--line"), width: 1 },
    ticks: { stroke: colourOf("--line"), width: 1 },
    font,
  };
  return {
    width: element.clientWidth,
    height: element.clientHeight,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false },
      y: linearWithin === undefined ? { range: rangeOf } : { distr: 4, asinh: linearWithin },
    },
    axes: [
      {
        ...axis,
        label: xTitle,
        labelFont: font,
        labelSize: 1.1 * rootPixels,
        size: 2.1 * rootPixels,
        incrs: WHOLE_STEPS,
      },
      {
        ...axis,
        size: 3.4 * rootPixels,
        // A logarithmic axis would have ten lines a decade.
        ...(linearWithin !== undefined && { grid: { show: false } }),
      },
    ],
    ...(filled && {
      bands: [{ series: [filled.upper + 1, filled.lower + 1], fill: colourOf(filled.color) }],
    }),
    series: [
      {},
      ...lines.map((line) => ({
        label: line.label,
        stroke: colourOf(line.color),
        width: 2,
        spanGaps: true,
        ...(line.dashed && { dash: [6, 4] }),
        points: { show: line.dots ?? false, size: 6 },
      })),
    ],
  };
}

/** As uPlot has it, but that a line which is level so far is not drawn at the top of an axis from zero. */
function rangeOf(_: uPlot, least: number | null, most: number | null): uPlot.Range.MinMax {
  if (least === null || most === null) return [null, null];
  const around = AROUND * (Math.abs(least) || 1);
  if (least === most) return [least - around, most + around];
  return uPlot.rangeNum(least, most, 0.1, true);
}
/** Share of a level line's value. */
const AROUND = 0.02;

/** Rounds and steps are counted: no half ones on the axis. */
const WHOLE_STEPS = [1, 2, 5]
  .flatMap((digit) => [1, 10, 100, 1000, 10_000].map((power) => digit * power))
  .sort((a, b) => a - b);
