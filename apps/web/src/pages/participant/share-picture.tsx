/**
 * This device's share of the adapter, as one picture: a row for each adapted matrix, its columns of A at the left and
 * rows of B at the right, lit where they are trained here. Painted once a round; how far the training is, is a veil that
 * CSS moves, so that the page has next to nothing to draw while the device works.
 */
import type { AdaptedModule, DropoutMask } from "@fedlodrop/run";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { colourOf, paintInColours } from "../../ui/colours.ts";
import { formatPercent } from "../../ui/format.ts";
import { maskPicture } from "../../ui/mask-picture.ts";
import { say } from "../../words/words.ts";

const CELLS_PER_FACTOR = 128;
const GAP_CELLS = 8;

interface ShareProps {
  readonly modules: readonly AdaptedModule[];
  readonly mask: DropoutMask;
  /** 0 to 1, of this round's steps. */
  readonly done: number;
  readonly dropoutRate: number;
}

export function SharePicture({ modules, mask, done, dropoutRate }: ShareProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const rows = useMemo(() => maskPicture(modules, mask, CELLS_PER_FACTOR), [modules, mask]);
  const width = 2 * CELLS_PER_FACTOR + GAP_CELLS;

  useEffect(() => {
    const paint = (): void => {
      const context = canvas.current?.getContext("2d");
      if (!context) return;
      const [lit, dark] = [colourOf("--accent"), colourOf("--line")];
      context.clearRect(0, 0, width, rows.length);
      rows.forEach(({ strips }, row) => {
        strips.forEach(({ cells }, factor) => {
          const cellWidth = CELLS_PER_FACTOR / cells.length;
          cells.forEach((share, cell) => {
            const left = factor * (CELLS_PER_FACTOR + GAP_CELLS) + cell * cellWidth;
            for (const [color, alpha] of [
              [dark, 1],
              [lit, share],
            ] as const) {
              context.globalAlpha = alpha;
              context.fillStyle = color;
              context.fillRect(left, row, cellWidth, 1);
            }
          });
        });
      });
    };
    return paintInColours(paint);
  }, [rows, width]);

  return (
    <figure class="share">
      <div class="share-frame" style={`--done: ${done}`}>
        <canvas
          ref={canvas}
          width={width}
          height={rows.length}
          role="img"
          aria-label={say("share.picture", { share: formatPercent(1 - dropoutRate) })}
        />
      </div>
      <figcaption>
        <span>
          <span class="swatch lit" /> {say("share.yours", { share: formatPercent(1 - dropoutRate) })}
        </span>
        <span>
          <span class="swatch" /> {say("share.left-out")}
        </span>
      </figcaption>
    </figure>
  );
}
