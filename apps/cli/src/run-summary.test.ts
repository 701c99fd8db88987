import { DEFAULT_RUN_CONFIG, type RunReport } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { runFailure, summarizeRun, summaryLines } from "./run-summary.ts";

const exchange = (bytesDown: number, bytesUp: number, outcome: string) => ({
  bytesDown,
  bytesUp,
  fullValues: 1000,
  outcome,
});

const report = (
  change: Partial<RunReport>,
  exchanges = [exchange(2016, 2016, "aggregated"), exchange(2016, 0, "left")],
) =>
  ({
    config: { ...DEFAULT_RUN_CONFIG, rounds: 1 },
    baseTestLoss: 4,
    finalTestLoss: 3,
    rounds: [{ round: 1, participants: exchanges }],
    ...change,
  }) as unknown as RunReport;

describe("summarizeRun", () => {
  it("compares what moved with the same transfers of whole adapters", () => {
    const summary = summarizeRun(report({}), 12);
    expect(summary.bytesMoved).toBe(3 * 2016);
    expect(summary.bytesWithoutDropout).toBe(3 * (16 + 4 * 1000));
    expect(summaryLines(summary)).toEqual([
      "held-out loss  4.0000 before, 3.0000 after (-25.0 %)",
      "bytes moved    6.0 kB; FedLoRA: 12.0 kB (49.8 % saved)",
      "time           12.0 s for 1 round",
    ]);
  });
});

it("tells how the guesses of a labelled task agree with what is true", () => {
  const evaluation = { testAccuracy: 0.75, testF1: null, testMatthews: 0.5 };
  const rounds = [{ round: 1, participants: [], evaluation }] as unknown as RunReport["rounds"];
  const [, line] = summaryLines(summarizeRun(report({ rounds }), 1));
  expect(line).toBe("agreement      accuracy 0.750, Matthews 0.500");
});

describe("runFailure", () => {
  it("passes a run that did what was asked", () => {
    expect(runFailure(report({}))).toBeNull();
  });

  it.each([
    [report({ rounds: [] }), "0 of 1 rounds were done"],
    [report({}, [exchange(2016, 0, "left")]), "round 1: no update was aggregated"],
    [report({ finalTestLoss: null }), "the held-out loss was not evaluated"],
  ])("says what is missing", (failed, why) => {
    expect(runFailure(failed)).toBe(why);
  });
});
