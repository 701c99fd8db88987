/**
 * What the coordinator believes of a link, over rounds: its plans set the pace, the pace shapes what the device can
 * measure, and what the device measures shapes the next plan. The two sides together must not talk a link down.
 */
import { measureDevice, planRound, type ReadyParticipant } from "@fedlodrop/federation";
import { DEFAULT_RUN_CONFIG, type ParticipantRound, type RoundRecord, type RunConfig } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { device } from "../../protocol/src/told-by-device.fixture.ts";
import { send } from "./simulated-link.fixture.ts";

const LINK = 2e6;
const ROUNDS = 20;
const adapter = {
  rank: 8,
  alpha: 16,
  modules: [{ name: "m", inFeatures: 4000, outFeatures: 5000 }],
  dense: [],
};

const participant = (id: string, roundTripSeconds: number): ReadyParticipant => ({
  id,
  nickname: id,
  presence: "ready",
  known: true,
  device: { ...device, sampleCount: 100, roundTripSeconds },
  part: 0,
});

/** Beliefs after each round, [ROUNDS][devices]; `truth` is the links' rate in a round. */
function believe(
  method: RunConfig["method"],
  roundTripSeconds: number,
  count: number,
  truth: (round: number) => number = () => LINK,
): readonly (readonly number[])[] {
  const config: RunConfig = { ...DEFAULT_RUN_CONFIG, method, deadlineSeconds: 30 };
  const participants = Array.from({ length: count }, (_, k) => participant(`p${k + 1}`, roundTripSeconds));
  const records: RoundRecord[] = [];
  const beliefs: number[][] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    const roundsLeft = ROUNDS - round + 1;
    const plan = planRound({ config, adapter, round, roundsLeft, participants, records });
    const own = plan.assignments.map((assignment): ParticipantRound => {
      const bytes = Math.round(16 + (1 - assignment.dropoutRate) * 4 * 8 * 9000);
      const pace = assignment.uploadBytesPerSecond;
      const reading = send({ bytesPerSecond: truth(round), roundTripSeconds }, bytes, pace);
      return {
        id: assignment.participantId,
        nickname: assignment.participantId,
        backend: "wasm",
        dropoutRate: assignment.dropoutRate,
        keptValues: (bytes - 16) / 4,
        fullValues: 72_000,
        bytesDown: bytes,
        bytesUp: bytes,
        secondsDownload: bytes / LINK + roundTripSeconds,
        secondsCompute: 0.8,
        steps: 8,
        secondsUpload: reading.seconds,
        uploadBytesPerSecond: pace,
        downlinkBytesPerSecond: LINK,
        uplinkBytesPerSecond: reading.bytesPerSecond,
        uploadLimitedBy: reading.limitedBy,
        rateSource: "measured",
        sampleCount: 100,
        trainLoss: 4,
        energyJoules: 8,
        energySource: "modelled",
        tokens: 100,
        roundTripSeconds,
        gradientNorm95: 1,
        lossSpread: 1,
        update: null,
        outcome: "aggregated",
      };
    });
    const allocation = plan.allocation;
    records.push({
      ...{
        round,
        basedOnRound: round - 1,
        method,
        deadlineSeconds: 30,
        trainLoss: 4,
        testLoss: 4,
        evaluation: null,
        allocation,
      },
      seconds: 3,
      participants: own,
    });
    beliefs.push(
      participants.map((each) => measureDevice(each, config, round + 1, records).uploadBytesPerSecond),
    );
  }
  return beliefs;
}

describe.each(["p-sca", "equal"] as const)("%s on links of 2 MB/s", (method) => {
  it.each([0.02, 0.1, 0.2, 0.4])("believes them within 15 %% at a round trip of %s s", (roundTripSeconds) => {
    for (const count of [1, 5])
      for (const beliefs of believe(method, roundTripSeconds, count))
        for (const belief of beliefs) expect(Math.abs(belief / LINK - 1)).toBeLessThan(0.15);
  });

  it("hears of a link that has become slower, or faster again", () => {
    const beliefs = believe(method, 0.1, 2, (round) => (round >= 5 && round < 12 ? LINK / 8 : LINK));
    const last = (round: number) => beliefs[round - 1]![0]!;
    expect(last(4) / LINK).toBeCloseTo(1, 1);
    expect(last(9)).toBeLessThan(LINK / 4);
    expect(last(20)).toBeGreaterThan(LINK / 4);
  });
});
