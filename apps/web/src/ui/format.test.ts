import { describe, expect, it } from "vitest";
import { formatBytes, formatCount, formatJoules, formatPercent, formatSeconds } from "./format.ts";

describe("numbers with units", () => {
  it.each([
    [formatBytes(0), "0 B"],
    [formatBytes(999), "999 B"],
    [formatBytes(147_472), "147 kB"],
    [formatBytes(2_148_736), "2.15 MB"],
    [formatSeconds(0.0002), "< 1 ms"],
    [formatSeconds(0.0421), "42 ms"],
    [formatSeconds(0.114), "0.114 s"],
    [formatSeconds(12.34), "12.3 s"],
    [formatSeconds(59.99), "1 min 0 s"],
    [formatSeconds(61), "1 min 1 s"],
    [formatJoules(0), "0 J"],
    [formatJoules(23.456), "23.5 J"],
    [formatJoules(1234), "1.23 kJ"],
    [formatPercent(0.25), "25 %"],
    [formatPercent(1 / 3), "33.3 %"],
    [formatCount(1234567), "1\u202f234\u202f567"],
  ])("%s", (got, expected) => expect(got).toBe(expected));
});
