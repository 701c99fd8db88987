/** Paints a dropout mask: kept columns of A and kept rows of B of each adapted module. */
import type { AdaptedModule, DropoutMask } from "@fedlodrop/run";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { say } from "../words/words.ts";
import { colourOf, paintInColours } from "./colours.ts";
import { type MaskStrip, maskPicture } from "./mask-picture.ts";

const MOST_CELLS = 512;

interface MaskProps {
  readonly modules: readonly AdaptedModule[];
  readonly mask: DropoutMask;
}

export function MaskCanvas({ modules, mask }: MaskProps) {
  const pictures = useMemo(() => maskPicture(modules, mask, MOST_CELLS), [modules, mask]);
  return (
    <div class="mask">
      {pictures.map(({ name, strips }) => (
        <div key={name}>
          {name}
          {strips.map((strip) => (
            <StripRow key={strip.factor} strip={strip} module={name} />
          ))}
        </div>
      ))}
    </div>
  );
}

function StripRow({ strip, module }: { readonly strip: MaskStrip; readonly module: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { factor, cells, kept, size } = strip;
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    return paintInColours(() => {
      context.clearRect(0, 0, cells.length, 1);
      context.fillStyle = colourOf("--accent");
      cells.forEach((share, cell) => {
        context.globalAlpha = share;
        context.fillRect(cell, 0, 1, 1);
      });
    });
  }, [cells]);
  return (
    <div class="strip">
      <span>{factor}</span>
      <canvas
        ref={canvas}
        width={cells.length}
        height={1}
        role="img"
        aria-label={say("mask.strip", {
          module,
          kept,
          size,
          what: say(factor === "A" ? "mask.columns" : "mask.rows"),
        })}
      />
      <span>
        {kept}/{size}
      </span>
    </div>
  );
}
