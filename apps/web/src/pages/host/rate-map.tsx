/** Dropout rates, device by round: where they differ, and when they changed. */
import type { RoundRecord } from "@fedlodrop/run";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { colourOf, paintInColours } from "../../ui/colours.ts";
import { formatPercent } from "../../ui/format.ts";
import { ShortName } from "../../ui/short-name.tsx";
import { say } from "../../words/words.ts";
import { type RatesByRound, ratesByRound } from "./rates-by-round.ts";

/** Of more devices the rows are too thin for names. */
const LEGIBLE_ROWS = 10;
/** The least that is seen of a rate of 0, as a share of the colour. */
const PALEST = 0.08;

/** One picture, for it may have thousands of cells: as elements they would be laid out and painted anew after each round. */
export function RateMap({ rounds }: { readonly rounds: readonly RoundRecord[] }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const map = useMemo(() => ratesByRound(rounds), [rounds]);
  useEffect(() => {
    const element = canvas.current;
    if (element === null) return;
    const draw = (): void => paint(element, map);
    const leave = paintInColours(draw);
    const resized = new ResizeObserver(draw);
    resized.observe(element);
    return () => {
      leave();
      resized.disconnect();
    };
  }, [map]);
  const { every, devices } = map;
  if (devices.length === 0) return null;
  const isLegible = devices.length <= LEGIBLE_ROWS;
  const said = (rate: number | null | undefined, missing: string): string =>
    rate == null ? missing : formatPercent(rate);
  return (
    <section class="card rate-map">
      <div class="row between">
        <h2>{say("map.title")}</h2>
        <small>{every > 1 ? say("map.key-thinned", { nth: every }) : say("map.key")}</small>
      </div>
      <div
        class="rate-rows"
        data-density={isLegible ? "few" : "many"}
        role="img"
        aria-label={devices
          .map(({ nickname, rates }) =>
            say("map.row", { nickname, rate: said(rates.at(-1), say("map.not-in-last")) }),
          )
          .join("; ")}
      >
        {isLegible && (
          <div class="rate-names">
            {devices.map(({ id, nickname }) => (
              <ShortName key={id} name={nickname} />
            ))}
          </div>
        )}
        <div class="rate-cells">
          <canvas
            ref={canvas}
            onPointerMove={({ currentTarget, offsetX, offsetY }) => {
              const at = (offset: number, extent: number, count: number): number =>
                Math.min(count - 1, Math.max(0, Math.floor((offset / extent) * count)));
              const device = devices[at(offsetY, currentTarget.clientHeight, devices.length)];
              const place = at(offsetX, currentTarget.clientWidth, map.rounds.length);
              currentTarget.title = say("map.cell", {
                nickname: device?.nickname ?? "",
                round: map.rounds[place] ?? 0,
                rate: said(device?.rates[place], say("map.not-in")),
              });
            }}
          />
        </div>
      </div>
    </section>
  );
}

/** Cells as dark as their rates; a thin line where a device was not in a round. */
function paint(canvas: HTMLCanvasElement, { devices, rounds }: RatesByRound): void {
  const context = canvas.getContext("2d");
  if (context === null) return;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((extent) =>
    Math.round(extent * devicePixelRatio),
  ) as [number, number];
  // Giving it a size wipes it.
  canvas.width = width;
  canvas.height = height;
  const [dropped, absent] = [colourOf("--series-2"), colourOf("--field-line")];
  const [cellWidth, cellHeight] = [width / rounds.length, height / devices.length];
  const gap = Math.min(2 * devicePixelRatio, cellWidth / 4, cellHeight / 4);
  for (const [row, { rates }] of devices.entries())
    for (const [column, rate] of rates.entries()) {
      const [left, top] = [column * cellWidth, row * cellHeight];
      context.globalAlpha = rate === null ? 1 : PALEST + (1 - PALEST) * rate;
      context.fillStyle = rate === null ? absent : dropped;
      if (rate === null)
        context.fillRect(
          left,
          top + cellHeight / 2 - devicePixelRatio / 2,
          cellWidth - gap,
          devicePixelRatio,
        );
      else context.fillRect(left, top, cellWidth - gap, cellHeight - gap);
    }
}
