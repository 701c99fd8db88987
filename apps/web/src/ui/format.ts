/** Numbers as people read them, with their units. */

/** Decimal: 1 kB is 1000 B. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${significant(bytes / 1000)} kB`;
  if (bytes < 1e9) return `${significant(bytes / 1e6)} MB`;
  return `${significant(bytes / 1e9)} GB`;
}

export function formatSeconds(seconds: number): string {
  if (seconds > 0 && seconds < 0.0005) return "< 1 ms";
  if (seconds < 0.0995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 59.95) return `${significant(seconds)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

export function formatJoules(joules: number): string {
  if (joules < 999.5) return `${significant(joules)} J`;
  return `${significant(joules / 1000)} kJ`;
}

export const formatPercent = (fraction: number): string => `${significant(100 * fraction)} %`;

export const formatLoss = (loss: number): string => loss.toFixed(3);

export const formatCount = (count: number): string => count.toLocaleString("en").replaceAll(",", "\u202f");

/** Three significant digits, without an exponent and without trailing zeros after the point. */
function significant(value: number): string {
  return String(Number(value.toPrecision(3)));
}
