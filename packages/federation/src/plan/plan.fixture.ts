/** Requests for plans, and rounds that they look back on. */
import type { DeviceFacts } from "@fedlodrop/protocol";
import { DEFAULT_RUN_CONFIG, type ParticipantRound, type RoundRecord, type RunConfig } from "@fedlodrop/run";
import { device as told } from "../../../protocol/src/told-by-device.fixture.ts";
import type { ReadyParticipant } from "../round/participant.ts";

const adapter = {
  rank: 8,
  alpha: 16,
  modules: [{ name: "m", inFeatures: 1000, outFeatures: 3000 }],
  dense: [],
};
const device: DeviceFacts = { ...told, backend: "wasm", sampleCount: 100, firstStepSeconds: 0.2 };
export const participant = (id: string, change: Partial<DeviceFacts> = {}): ReadyParticipant => ({
  id,
  nickname: id,
  known: true,
  presence: "ready",
  device: { ...device, ...change },
  part: 0,
});
export const request = (
  change: Partial<RunConfig>,
  participants: ReadyParticipant[],
  records: RoundRecord[] = [],
) => ({
  config: { ...DEFAULT_RUN_CONFIG, ...change },
  adapter,
  round: records.length + 1,
  roundsLeft: Math.max(1, { ...DEFAULT_RUN_CONFIG, ...change }.rounds - records.length),
  participants,
  records,
});
export const three = [participant("p1"), participant("p2"), participant("p3")];

export const own = (id: string, change: Partial<ParticipantRound> = {}): ParticipantRound => ({
  id,
  nickname: id,
  backend: "wasm",
  dropoutRate: 0.3,
  keptValues: 1,
  fullValues: 1,
  bytesDown: 100_000,
  bytesUp: 100_000,
  secondsDownload: 0.11,
  secondsCompute: 0.8,
  steps: 8,
  secondsUpload: 0.11,
  uploadBytesPerSecond: null,
  downlinkBytesPerSecond: 1e6,
  uplinkBytesPerSecond: 1e6,
  uploadLimitedBy: "link",
  rateSource: "measured",
  sampleCount: 100,
  trainLoss: 4,
  energyJoules: 12,
  energySource: "modelled",
  tokens: 100,
  roundTripSeconds: 0.01,
  gradientNorm95: 1,
  lossSpread: 1,
  outcome: "aggregated",
  update: null,
  ...change,
});
export const record = (round: number, participants: ParticipantRound[]): RoundRecord => ({
  round,
  basedOnRound: 0,
  method: "p-sca",
  deadlineSeconds: 5,
  trainLoss: 4,
  testLoss: 4,
  evaluation: {
    testLoss: 4,
    trainLoss: 3.9,
    testAccuracy: null,
    testF1: null,
    exampleLossSpread: null,
  },
  seconds: 1,
  participants,
  allocation: null,
});
