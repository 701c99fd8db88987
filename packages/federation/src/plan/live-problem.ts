/** The allocation problem of the next round, posed from what the rounds so far have measured. */
import {
  type AllocationProblem,
  type DeviceLoad,
  generalisationGap,
  type LinearInKeepRate,
  type MeasuredLink,
  type RadioLink,
  uploadBits,
} from "@fedlodrop/allocation";
import { maskedBytes } from "@fedlodrop/privacy";
import { bytesPerValue, SPARSE_HEADER_BYTES } from "@fedlodrop/protocol";
import { type AdapterShape, adapterSize, armCount, type BoundEstimate, energyLimitOf } from "@fedlodrop/run";
import { estimateConstants } from "./bound-constants.ts";
import { type DeviceMeasurements, measureDevice } from "./device-measurements.ts";
import { VARIANCE_EXPONENT } from "./masked-losses.ts";
import type { PlanRequest } from "./plan-request.ts";
import { downlinkRate, fadedGains, gainPerWatt, meanGain, RADIO_CELL } from "./radio-cell.ts";

/** What a round is expected to cost a device, as functions of its keep rate. */
export interface ExpectedLoad {
  /** Overhead, download and training. */
  readonly preparationSeconds: LinearInKeepRate;
  readonly preparationJoules: LinearInKeepRate;
  /** Of those, for training. */
  readonly computeJoules: LinearInKeepRate;
  readonly uploadBits: LinearInKeepRate;
}

export interface PosedProblem {
  readonly problem: AllocationProblem;
  readonly constants: BoundEstimate;
  /** [K] */
  readonly expected: readonly ExpectedLoad[];
  readonly downloadBytesPerSecond: readonly number[];
  /** Whether uploads are paced to what the solver gives, [K]: not while a measured link is unknown. */
  readonly paced: readonly boolean[];
}

/** Estimates err; the problem is solved for a deadline this much earlier than the round's. */
const DEADLINE_SLACK = 1.15;
/** Answers waited for in a round: download, ping, upload-begin, the last byte's, upload-end, and one to spare. */
const ROUND_TRIPS = 6;
/** Part of the round that a device on trial is taken to need before its upload. */
const TRIAL_SHARE = 0.6;
/** χ as a multiple of the gap without dropout. */
const EXCLUSION_GAPS = 3;

/**
 * How a device's time is counted: a `deviation` slower than its mean (the rule), at its `mean`, or, to find out, as if
 * training left a good part of the round for the link (`trial`).
 */
export type Caution = "deviation" | "mean" | "trial";

export function poseProblem(
  request: PlanRequest,
  caution: ReadonlyMap<string, Caution>,
  estimate = estimateConstants,
): PosedProblem {
  const { config, adapter, round, roundsLeft, participants, records } = request;
  const { seed, links, subChannels, maxDropoutRate, deadlineSeconds } = config;
  const samples = participants.map(({ device }) => device.sampleCount);
  const exampleCount = samples.reduce((sum, count) => sum + count, 0);
  const constants = estimate(records, exampleCount, {
    form: config.bound,
    maxDropoutRate,
    roundsLeft: Math.ceil(roundsLeft / armCount(config)),
  });
  const measured = participants.map((participant) => measureDevice(participant, config, round, records));
  const emulated = links === "emulated";
  const downloadBytesPerSecond = participants.map(({ id }, k) =>
    emulated
      ? downlinkRate(meanGain(seed, id), participants.length, subChannels) / 8
      : (measured[k] as DeviceMeasurements).downloadBytesPerSecond,
  );
  const bytesDown = bytesPerValue(config.valueType);
  const bitsDown = payloadBits(adapter, bytesDown);
  const bitsUp = payloadBits(
    adapter,
    config.secureAggregation ? maskedBytes(config, participants.length, exampleCount) : bytesDown,
  );

  const expected = participants.map(({ device }, k): ExpectedLoad => {
    const { computeWatts, radioWatts } = device.energyProfile;
    const { computeSeconds, roundTripSeconds } = measured[k] as DeviceMeasurements;
    const downloadSeconds = scaled(bitsDown, 1 / (8 * (downloadBytesPerSecond[k] as number)));
    const overhead = { fixed: ROUND_TRIPS * roundTripSeconds, perKeepRate: 0 };
    return {
      preparationSeconds: sum(overhead, downloadSeconds, computeSeconds),
      preparationJoules: sum(scaled(computeSeconds, computeWatts), scaled(downloadSeconds, radioWatts)),
      computeJoules: scaled(computeSeconds, computeWatts),
      uploadBits: bitsUp,
    };
  });
  const devices = participants.map(({ id }, k): DeviceLoad => {
    const load = expected[k] as ExpectedLoad;
    const weight = (samples[k] as number) / exampleCount;
    return {
      weight,
      varianceCoefficient: weight * constants.varianceCoefficient,
      preparations: [
        {
          seconds: counted(
            load,
            measured[k] as DeviceMeasurements,
            TRIAL_SHARE * deadlineSeconds,
            caution.get(id) ?? "deviation",
          ),
          joules: load.preparationJoules,
        },
      ],
      uploadBits: load.uploadBits,
      energyLimitJoules: energyLimitOf(config, id) ?? Number.POSITIVE_INFINITY,
    };
  });
  return {
    constants,
    expected,
    downloadBytesPerSecond,
    paced: measured.map(({ uploadMeasured }) => emulated || uploadMeasured),
    problem: {
      id: `round ${round}`,
      deadlineSeconds: deadlineSeconds / DEADLINE_SLACK,
      minDropoutRate: 0,
      maxDropoutRate: capped(maxDropoutRate, constants),
      objective: {
        mode: "device",
        varianceExponent: VARIANCE_EXPONENT,
        bound: constants,
        exclusionPenalty: EXCLUSION_GAPS * generalisationGap(constants, 0),
      },
      devices,
      link: emulated ? emulatedLink(request) : measuredLink(request, measured),
    },
  };
}

/** γ_max, or θ where it is known to be less. */
export const capped = (maxDropoutRate: number, { rateCap }: BoundEstimate): number =>
  Math.min(maxDropoutRate, rateCap ?? maxDropoutRate);

function counted(
  { preparationSeconds }: ExpectedLoad,
  { computeDeviationSeconds }: DeviceMeasurements,
  trialSeconds: number,
  caution: Caution,
): LinearInKeepRate {
  switch (caution) {
    case "deviation":
      return sum(preparationSeconds, { fixed: computeDeviationSeconds, perKeepRate: 0 });
    case "mean":
      return preparationSeconds;
    case "trial": {
      const { fixed, perKeepRate } = preparationSeconds;
      return scaled(preparationSeconds, Math.min(1, trialSeconds / (fixed + perKeepRate)));
    }
    default:
      return caution satisfies never;
  }
}

/** Participants are taken to share one medium: a device's share times its own rate is what it gets. */
function measuredLink({ participants }: PlanRequest, measured: readonly DeviceMeasurements[]): MeasuredLink {
  return {
    kind: "measured",
    bitsPerSecond: measured.map(({ uploadBytesPerSecond }) => 8 * uploadBytesPerSecond),
    shared: { kind: "air-time" },
    radioWatts: participants.map(({ device }) => device.energyProfile.radioWatts),
    slots: null,
  };
}

function emulatedLink({ config, round, participants }: PlanRequest): RadioLink {
  return {
    kind: "radio",
    subChannelHertz: RADIO_CELL.subChannelHertz,
    gainPerWatt: participants.map(({ id }) => fadedGains(config, round, id).map(gainPerWatt)),
    maxTransmitPowerWatts: participants.map(() => RADIO_CELL.maxTransmitPowerWatts),
    amplifierEfficiency: participants.map(() => RADIO_CELL.amplifierEfficiency),
  };
}

/** Bits of a payload as a function of the keep rate; what is always sent whole is fixed. */
function payloadBits(adapter: AdapterShape, valueBytes: number): LinearInKeepRate {
  const loraValues = adapterSize({ ...adapter, dense: [] });
  const bitsPerValue = 8 * valueBytes;
  return uploadBits({
    entryCount: loraValues,
    rankTotal: adapter.rank * adapter.modules.length,
    bitsPerValue,
    headerBits: 8 * SPARSE_HEADER_BYTES + bitsPerValue * (adapterSize(adapter) - loraValues),
  });
}

const scaled = (line: LinearInKeepRate, factor: number): LinearInKeepRate => ({
  fixed: line.fixed * factor,
  perKeepRate: line.perKeepRate * factor,
});

const sum = (...lines: readonly LinearInKeepRate[]): LinearInKeepRate => ({
  fixed: lines.reduce((total, { fixed }) => total + fixed, 0),
  perKeepRate: lines.reduce((total, { perKeepRate }) => total + perKeepRate, 0),
});
