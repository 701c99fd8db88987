import { payloadBytes } from "@fedlodrop/protocol";
import type { ParticipantRound, RoundRecord } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { actualSeconds, byteTotals, roundCost } from "./totals.ts";

const participant = (fields: Partial<ParticipantRound>): ParticipantRound => ({
  id: "p1",
  nickname: "one",
  backend: "wasm",
  dropoutRate: 0.5,
  keptValues: 100,
  fullValues: 200,
  bytesDown: payloadBytes(100, "f32"),
  bytesUp: payloadBytes(100, "f32"),
  secondsDownload: 0.1,
  secondsCompute: 2,
  steps: 8,
  secondsUpload: 0.3,
  uploadBytesPerSecond: null,
  downlinkBytesPerSecond: null,
  uplinkBytesPerSecond: null,
  uploadLimitedBy: null,
  rateSource: "measured",
  sampleCount: 10,
  trainLoss: 3,
  energyJoules: 30,
  energySource: "modelled",
  tokens: 100,
  roundTripSeconds: 0.01,
  gradientNorm95: 1,
  lossSpread: 1,
  outcome: "aggregated",
  update: null,
  ...fields,
});
const round = (participants: readonly ParticipantRound[]): RoundRecord => ({
  round: 1,
  basedOnRound: 0,
  method: "fixed",
  deadlineSeconds: 60,
  trainLoss: 3,
  testLoss: null,
  evaluation: null,
  seconds: 3,
  allocation: null,
  participants,
});

describe("totals of a run", () => {
  it("compares the bytes with those of full adapters", () => {
    const totals = byteTotals([round([participant({}), participant({})])], "f32");
    // kept: 16 + 400 bytes a transfer; full: 16 + 800
    expect(totals).toEqual({ down: 832, up: 832, withoutDropout: 4 * 816 });
  });

  it("counts a transfer that never happened on neither side", () => {
    expect(byteTotals([round([participant({ bytesUp: 0 })])], "f32")).toEqual({
      down: 416,
      up: 0,
      withoutDropout: 816,
    });
  });

  it("adds up a round, joules of each source apart, and none that nobody reported", () => {
    expect(roundCost(round([participant({}), participant({ energyJoules: null, bytesUp: 0 })]))).toEqual({
      bytes: 3 * 416,
      energy: [{ source: "modelled", joules: 30 }],
    });
    const battery = participant({ energySource: "battery", energyJoules: 8 });
    expect(roundCost(round([participant({}), battery, participant({})])).energy).toEqual([
      { source: "modelled", joules: 60 },
      { source: "battery", joules: 8 },
    ]);
    expect(roundCost(round([participant({ energyJoules: null })])).energy).toEqual([]);
  });

  it("has no actual time for a participant that did not finish", () => {
    expect(actualSeconds(participant({}))).toBeCloseTo(2.4, 12);
    expect(actualSeconds(participant({ secondsUpload: null }))).toBeNull();
  });
});
