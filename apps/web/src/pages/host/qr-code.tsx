import { useMemo } from "preact/hooks";
import { encode } from "uqr";
import { say } from "../../words/words.ts";

/** Margin in modules that readers need around the code. */
const QUIET_ZONE = 4;

/** Black on white in both colour schemes: many readers need that. */
export function QrCode({ text }: { readonly text: string }) {
  const { extent, dark } = useMemo(() => pictureOf(text), [text]);
  return (
    <svg
      class="qr"
      viewBox={`0 0 ${extent} ${extent}`}
      role="img"
      aria-label={say("qr.of", { address: text })}
      shape-rendering="crispEdges"
    >
      <rect width={extent} height={extent} fill="white" />
      <path d={dark} fill="black" />
    </svg>
  );
}

function pictureOf(text: string): { readonly extent: number; readonly dark: string } {
  const { size, data } = encode(text, { ecc: "M", border: 0 });
  const dark = data.flatMap((row, y) =>
    row.flatMap((isDark, x) => (isDark ? `M${QUIET_ZONE + x} ${QUIET_ZONE + y}h1v1h-1z` : [])),
  );
  return { extent: size + 2 * QUIET_ZONE, dark: dark.join("") };
}
