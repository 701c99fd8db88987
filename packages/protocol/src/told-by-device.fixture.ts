/** What a device says of itself and of a round, for tests and benchmarks in which its numbers do not matter. */
import type { DeviceFacts, UpdateStatistics } from "./messages.ts";

export const device: DeviceFacts = {
  backend: "cpu",
  deviceDescription: "made up",
  sampleCount: 10,
  firstStepSeconds: 0.1,
  stepSeconds: 0.1,
  roundTripSeconds: 0.01,
  energyProfile: { kind: "cpu", computeWatts: 15, radioWatts: 1, batteryWattHours: null, source: "modelled" },
};

export const statistics: UpdateStatistics = {
  sampleCount: 10,
  trainLoss: 2,
  steps: 8,
  tokens: 100,
  secondsDownload: 1,
  secondsCompute: 2,
  secondsUpload: 0.1,
  roundTripSeconds: 0.01,
  downlinkBytesPerSecond: null,
  uplinkBytesPerSecond: null,
  uploadLimitedBy: "sender",
  energyJoules: 3,
  energySource: "modelled",
  gradientNorm95: 1,
  lossSpread: 1,
};
