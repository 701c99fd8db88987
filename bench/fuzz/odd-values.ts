/** Values that break programs, and messages that are almost right: all drawn from a seed. */
import type { Random } from "@fedlodrop/run";

const nested = (depth: number): unknown => (depth === 0 ? 1 : { a: nested(depth - 1), b: [depth] });

/** Things that a schema, a comparison, an index or a merge may take for something else. */
const ODD: readonly (() => unknown)[] = [
  ...[null, undefined, true, false, 0, -0, -1, 1, 1.5, 2 ** 31, -(2 ** 31), 2 ** 53, 1e308, 1e-320].map(
    (value) => () => value,
  ),
  ...[Number.NaN, Number.POSITIVE_INFINITY, "", "x", "1", "p1", "__proto__", "constructor", "NaN"].map(
    (value) => () => value,
  ),
  ...["\u0000", "\ud800", "\u202e", "<img src=x onerror=alert(1)>", "=cmd|' /C calc'!A0", "\x1b[2J"].map(
    (value) => () => value,
  ),
  () => "A".repeat(1000),
  () => "Ä".repeat(20_000),
  () => [],
  () => [[]],
  () => [null],
  () => Array(200).fill(0),
  () => ({}),
  () => ({ length: 5 }),
  () => ({ kind: "refuse" }),
  () => JSON.parse('{"__proto__":{"polluted":1}}'),
  () => ({ constructor: { prototype: { polluted: 1 } } }),
  () => ({ toString: 1, valueOf: 1 }),
  () => JSON.parse('{"then":1}'),
  () => ({ _placeholder: true, num: 0 }),
  () => ({ _placeholder: true, num: 99 }),
  () => nested(50),
  () => new Date(0),
  () => Buffer.alloc(0),
  () => Buffer.alloc(3, 7),
  () => Buffer.alloc(5000, 7),
];

export const pick = <T>(random: Random, values: readonly T[]): T => values[random.below(values.length)] as T;

export const oddValue = (random: Random): unknown => pick(random, ODD)();

/** `value` with a field or two that are missing, odd, or not known. */
export function mutated(random: Random, value: unknown): unknown {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value) || random.uniform() < 0.2)
    return oddValue(random);
  const copy: Record<string, unknown> = { ...value };
  for (let changes = 1 + random.below(2); changes > 0; changes--) {
    const keys = Object.keys(copy);
    const key = pick(random, [...keys, ...keys, "__proto__", "extra", "constructor"]);
    const how = random.uniform();
    if (how < 0.15) delete copy[key];
    else
      Object.defineProperty(copy, key, {
        value: how < 0.35 ? mutated(random, copy[key]) : oddValue(random),
        enumerable: true,
        configurable: true,
        writable: true,
      });
  }
  return copy;
}
