import { create } from "qrcode";

/** Margin in modules that readers need around the code. */
const QUIET_ZONE = 4;

/** Black on white in both colour schemes: many readers need that. */
export function QrCode({ text }: { readonly text: string }) {
  const { modules } = create(text, { errorCorrectionLevel: "M" });
  const extent = modules.size + 2 * QUIET_ZONE;
  const dark = Array.from(modules.data).flatMap((isDark, i) =>
    isDark ? `M${QUIET_ZONE + (i % modules.size)} ${QUIET_ZONE + Math.floor(i / modules.size)}h1v1h-1z` : [],
  );
  return (
    <svg
      class="qr"
      viewBox={`0 0 ${extent} ${extent}`}
      role="img"
      aria-label={`QR code of ${text}`}
      shape-rendering="crispEdges"
    >
      <rect width={extent} height={extent} fill="white" />
      <path d={dark.join("")} fill="black" />
    </svg>
  );
}
