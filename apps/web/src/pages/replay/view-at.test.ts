import { DEFAULT_RUN_CONFIG, type ParticipantRound, type RoundRecord, type RunReport } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { beginningsOf, durationOf, viewAt } from "./view-at.ts";

const device = (id: string, change: Partial<ParticipantRound> = {}): ParticipantRound =>
  ({
    ...{ id, nickname: id.toUpperCase(), backend: "wasm", dropoutRate: 0.5, outcome: "aggregated" },
    ...{ secondsDownload: 1, secondsCompute: 4, secondsUpload: 1, steps: 8, tokens: 400, trainLoss: 3 },
    ...{ bytesDown: 10, bytesUp: 20 },
    ...change,
  }) as ParticipantRound;
const round = (number: number, seconds: number, ...participants: ParticipantRound[]): RoundRecord =>
  ({
    round: number,
    basedOnRound: number - 1,
    deadlineSeconds: 60,
    seconds,
    participants,
  }) as unknown as RoundRecord;
const report: RunReport = {
  format: 1,
  ...{ runId: "r", seed: "0", task: "t", model: "m", method: "fixed", adapterSha256: "", finalTestLoss: 3 },
  config: DEFAULT_RUN_CONFIG,
  baseTestLoss: 4,
  rounds: [
    round(1, 8, device("a"), device("b", { outcome: "left", secondsCompute: null })),
    round(2, 3, device("a", { dropoutRate: 0.2 })),
  ],
};
const states = (seconds: number) =>
  Object.fromEntries(viewAt(report, seconds).participants.map(({ id, state }) => [id, state]));

describe("a moment of a finished run", () => {
  it("has every round follow on the one before, with a pause to measure in", () => {
    expect(beginningsOf(report)).toEqual([0, 9, 13]);
    expect(durationOf(report)).toBe(13);
  });

  it("shows what each device did by its own seconds, and who left", () => {
    expect([0.5, 3, 5.5, 7].map(states)).toEqual([
      { a: "downloading", b: "training" },
      { a: "training", b: "training" },
      { a: "uploading", b: "away" },
      { a: "waiting", b: "away" },
    ]);
    expect(viewAt(report, 3).participants[0]).toMatchObject({ step: 4, localSteps: 8, tokensPerSecond: 100 });
  });

  it("knows no round before it has closed, and ends with all of them", () => {
    const at = (seconds: number) => {
      const { phase, round, rounds, secondsToDeadline } = viewAt(report, seconds);
      return [phase, round, rounds.length, secondsToDeadline];
    };
    expect(at(0)).toEqual(["training", 1, 0, 60]);
    expect(at(8.5)).toEqual(["evaluating", 1, 1, null]);
    expect(at(10)).toEqual(["training", 2, 1, 59]);
    expect(at(13)).toEqual(["ended", 2, 2, null]);
    expect(at(1e9)).toEqual(["ended", 2, 2, null]);
    // A device that is in no later round has gone; the rate is that of the round that is shown.
    expect(states(10)).toEqual({ a: "training", b: "away" });
    expect(viewAt(report, 10).participants[0]?.dropoutRate).toBe(0.2);
  });

  it("fits a device whose seconds are longer than its round's into it", () => {
    // Six seconds of work in a round of three.
    expect([9.4, 10, 11.7, 11.99].map((seconds) => states(seconds).a)).toEqual([
      "downloading",
      "training",
      "uploading",
      "uploading",
    ]);
  });

  it("of a run without a round is its end", () => {
    const empty = { ...report, rounds: [] };
    expect(durationOf(empty)).toBe(0);
    expect(viewAt(empty, 0)).toMatchObject({ phase: "ended", participants: [] });
  });
});
