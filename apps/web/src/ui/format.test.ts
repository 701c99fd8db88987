import { describe, expect, it } from "vitest";
import {
  formatBytes,
  formatCount,
  formatEstimate,
  formatJoules,
  formatPercent,
  formatSeconds,
  formatSecondsBetween,
} from "./format.ts";
import "../words/english.fixture.ts";

describe("numbers with units", () => {
  it.each([
    [formatBytes(0), "0 byte"],
    [formatBytes(999), "999 byte"],
    [formatBytes(147_472), "147 kB"],
    [formatBytes(2_148_736), "2.15 MB"],
    [formatSeconds(0.0002), "< 1 ms"],
    [formatSeconds(0.0421), "42 ms"],
    [formatSeconds(0.114), "0.114 sec"],
    [formatSeconds(12.34), "12.3 sec"],
    [formatSeconds(59.99), "1 min 0 sec"],
    [formatSeconds(61), "1 min 1 sec"],
    [formatSecondsBetween(2.61, 4.134), "2.61 to 4.13 sec"],
    [formatSecondsBetween(0.09, 0.12), "90 to 120 ms"],
    [formatSecondsBetween(0.05, 0.08), "50 to 80 ms"],
    [formatSecondsBetween(0.09, 1.2), "0.09 to 1.2 sec"],
    [formatSecondsBetween(50, 70), "50 sec to 1 min 10 sec"],
    [formatSecondsBetween(61, 70), "1 min 1 sec to 1 min 10 sec"],
    [formatJoules(0), "0 J"],
    [formatJoules(23.456), "23.5 J"],
    [formatJoules(1234), "1.23 kJ"],
    [formatPercent(0.25), "25%"],
    [formatPercent(1 / 3), "33.3%"],
    [formatEstimate(17.95333, 3.81095), "17.95 ± 3.8"],
    [formatEstimate(1, 0), "1"],
    [formatCount(1234567), "1,234,567"],
  ])("%s", (got, expected) => expect(got).toBe(expected));
});
