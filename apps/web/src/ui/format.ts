/** Numbers as the reader writes them, with their units: three significant digits. */
import { localeNow, say } from "../words/words.ts";

/** Making one takes a hundred times as long as using it, and a page writes hundreds of numbers a second. */
const formats = new Map<string, Intl.NumberFormat>();

function written(value: number, options: Intl.NumberFormatOptions): string {
  const locale = localeNow();
  const name = `${locale} ${JSON.stringify(options)}`;
  const format = formats.get(name) ?? new Intl.NumberFormat(locale, options);
  formats.set(name, format);
  return format.format(value);
}

const withUnit = (value: number, unit: string): string =>
  written(value, { style: "unit", unit, unitDisplay: "short", maximumSignificantDigits: 3 });

/** Decimal: 1 kB is 1000 B. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return withUnit(bytes, "byte");
  if (bytes < 1e6) return withUnit(bytes / 1000, "kilobyte");
  if (bytes < 1e9) return withUnit(bytes / 1e6, "megabyte");
  return withUnit(bytes / 1e9, "gigabyte");
}

export const formatBytesASecond = (rate: number): string =>
  say("unit.a-second", { value: formatBytes(rate) });

export function formatSeconds(seconds: number): string {
  if (seconds > 0 && seconds < 0.0005) return say("unit.less", { value: withUnit(1, "millisecond") });
  if (seconds < 0.0995) return withUnit(Math.round(seconds * 1000), "millisecond");
  if (seconds < 59.95) return withUnit(seconds, "second");
  const whole = Math.round(seconds);
  return `${withUnit(Math.floor(whole / 60), "minute")} ${withUnit(whole % 60, "second")}`;
}

/** In one unit, said once, where one does for both ends. */
export function formatSecondsBetween(low: number, high: number): string {
  const between = (from: string, to: string): string => say("unit.between", { low: from, high: to });
  const [least, most] = [low * 1000, high * 1000].map(Math.round) as [number, number];
  if (low < 0.0995 && most < 1000) return between(significant(least), withUnit(most, "millisecond"));
  return between(high < 59.95 ? significant(low) : formatSeconds(low), formatSeconds(high));
}

/** Of joules Intl knows nothing; the symbols are the same everywhere. */
export const formatJoules = (joules: number): string =>
  joules < 999.5
    ? say("unit.joules", { value: significant(joules) })
    : say("unit.kilojoules", { value: significant(joules / 1000) });

export const formatPercent = (fraction: number): string =>
  written(fraction, { style: "percent", maximumSignificantDigits: 3 });

export const formatLoss = (loss: number): string => formatFixed(loss, 3);

/** With as many digits after the point. */
export const formatFixed = (value: number, digits: number): string =>
  written(value, { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** With its standard error; 0 where there is none. */
export const formatEstimate = (value: number, error: number): string =>
  error === 0
    ? significant(value, 4)
    : say("unit.give-or-take", { value: significant(value, 4), error: significant(error, 2) });

export const formatCount = (count: number): string => written(count, {});

/** Without an exponent and without trailing zeros after the point. */
export const significant = (value: number, digits = 3): string =>
  written(value, { maximumSignificantDigits: digits });
