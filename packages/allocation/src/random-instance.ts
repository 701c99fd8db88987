/** Seeded radio cells for tests and benchmarks: path loss 128.1 + 37.6 log₁₀ d_km, 8 dB shadowing, six Rayleigh taps of
 *  COST 207's typical-urban profile, −174 dBm/Hz with a 7 dB noise figure. */

import { createRandom, type Random } from "@fedlodrop/run";
import { generalisationGap, type ObjectiveMode } from "./bound.ts";
import type { Device, RadioSystem } from "./system.ts";

/** Payloads and devices of three kinds: a browser model in int8, RoBERTa-large in fp16, a narrow-band cell. */
const families = {
  browser: {
    hertz: 30e3,
    uploadBits: [1_843_200, 3_686_400],
    watts: 0.2,
    downlink: [5e6, 40e6],
    seconds: [0.2, 1.2],
    chip: [3.5, 8],
  },
  roberta: {
    hertz: 60e3,
    uploadBits: [6_291_456],
    watts: 0.2,
    downlink: [5e6, 40e6],
    seconds: [0.5, 1.7],
    chip: [6, 20],
  },
  narrow: {
    hertz: 15e3,
    uploadBits: [786_432, 1_572_864],
    watts: 0.1,
    downlink: [0.7e6, 2e6],
    seconds: [0.5, 1.9],
    chip: [1.2, 2.5],
  },
} as const;
export type InstanceFamily = keyof typeof families;
export const instanceFamilies = Object.keys(families) as InstanceFamily[];

const tapDelaysSeconds = [0, 0.2e-6, 0.5e-6, 1.6e-6, 2.3e-6, 5e-6];
const tapDecibels = [-3, 0, -2, -6, -8, -10];

export interface RandomInstance {
  readonly seed: number;
  readonly devices: number;
  readonly channels: number;
  readonly family: InstanceFamily;
  readonly mode?: ObjectiveMode;
  readonly varianceExponent?: number;
  readonly operatingPoints?: number;
  /** 1: about 0.45 of the adapter fits for the median device under equal shares; more asks for a later deadline. */
  readonly slack?: number;
}

export function randomSystem(options: RandomInstance): RadioSystem {
  const { seed, devices: deviceCount, channels, mode = "device", slack = 1 } = options;
  const random = createRandom(seed);
  const between = (low: number, high: number): number => low + (high - low) * random.uniform();
  const spread = (low: number, high: number): number => low * (high / low) ** random.uniform();
  const pick = <T>(values: readonly T[]): T => values[random.below(values.length)] as T;
  const family = families[options.family];

  const examples = Array.from({ length: deviceCount }, () => Math.round(spread(150, 1200)));
  const exampleCount = examples.reduce((sum, each) => sum + each, 0);
  const bound = {
    lossRange: between(2.4, 7),
    gradientNorm: between(1.2, 2.4),
    ridge: between(0.5, 1.1),
    minCurvature: between(0.1, 0.35),
    exampleCount,
    confidence: 0.1,
    gapScale: 1,
  };
  const undroppedGap = generalisationGap(bound, 0);

  const [noiseWattsPerHertz, snrGap] = [1.995262e-20, 1.5];
  const channelGain = examples.map(() => {
    const kilometres = Math.max(0.03, 0.5 * Math.sqrt(random.uniform()));
    const decibels = -128.1 - 37.6 * Math.log10(kilometres) + 8 * random.normal();
    return fade(random, channels, family.hertz).map((power) => power * 10 ** (decibels / 10));
  });

  const drafts = examples.map((count) => {
    const seconds = spread(family.seconds[0], family.seconds[1]);
    const chipWatts = spread(family.chip[0], family.chip[1]);
    const frequencyHertz = 900e6;
    const flop = 1e12;
    return {
      count,
      seconds,
      uploadBits: pick<number>(family.uploadBits),
      downlink: spread(family.downlink[0], family.downlink[1]),
      adapterShare: between(0.03, 0.15),
      point: {
        frequencyHertz,
        flopPerCycle: flop / (frequencyHertz * seconds),
        energyCoefficient: chipWatts / frequencyHertz ** 3,
      },
      chipJoules: chipWatts * seconds,
      flop,
    };
  });

  // The deadline under which the median device keeps 0.45 with equal shares at full power.
  const finish = drafts.map((draft, k) => {
    const gains = (channelGain[k] as number[]).filter((_, m) => m % deviceCount === k % channels);
    const own = gains.length > 0 ? gains : [channelGain[k]?.[0] as number];
    const density = family.watts / own.length / (snrGap * noiseWattsPerHertz * family.hertz);
    const rate = own.reduce((sum, gain) => sum + family.hertz * Math.log2(1 + gain * density), 0);
    return draft.seconds + 0.05 + (0.45 * draft.uploadBits) / rate;
  });
  const deadlineSeconds = slack * (finish.sort((a, b) => a - b)[Math.floor(deviceCount / 2)] as number);

  const devices = drafts.map((draft): Device => {
    const fixedEnergyJoules = between(0.02, 0.4);
    const radioJoules =
      (between(0.15, 1.8) * family.watts * Math.max(0.3, deadlineSeconds - draft.seconds)) / 0.35;
    return {
      maxTransmitPowerWatts: family.watts,
      amplifierEfficiency: 0.35,
      energyLimitJoules: draft.chipJoules + fixedEnergyJoules + radioJoules,
      fixedEnergyJoules,
      overheadSeconds: 0.05,
      downloadBitsPerSecond: draft.downlink,
      downloadFixedBits: 2048,
      downloadBitsPerKeepRate: draft.uploadBits,
      uploadFixedBits: 2048,
      uploadBitsPerKeepRate: draft.uploadBits,
      baseFlop: draft.flop,
      adapterFlop: draft.adapterShare * draft.flop,
      operatingPoints: Array.from({ length: options.operatingPoints ?? 1 }, (_, j) => ({
        ...draft.point,
        frequencyHertz: draft.point.frequencyHertz * (1 - 0.2 * j),
      })),
      weight: draft.count / exampleCount,
      varianceCoefficient: (between(0.3, 1.5) * undroppedGap * draft.count) / exampleCount,
    };
  });

  return {
    id: `${options.family}-K${deviceCount}-M${channels}-s${seed}${mode === "global" ? "-global" : ""}`,
    subChannelHertz: family.hertz,
    deadlineSeconds,
    noiseWattsPerHertz,
    snrGap,
    channelGain,
    minDropoutRate: 0,
    maxDropoutRate: 0.9,
    objective: {
      mode,
      varianceExponent: options.varianceExponent ?? 1,
      bound,
      exclusionPenalty: 3 * undroppedGap,
    },
    devices,
  };
}

/** |H|² on each sub-channel of a tapped delay line with unit mean power. */
function fade(random: Random, channels: number, hertz: number): number[] {
  const powers = tapDecibels.map((decibels) => 10 ** (decibels / 10));
  const total = powers.reduce((sum, power) => sum + power, 0);
  const taps = powers.map((power) => {
    const deviation = Math.sqrt(power / total / 2);
    return [deviation * random.normal(), deviation * random.normal()] as const;
  });
  return Array.from({ length: channels }, (_, m) => {
    let [real, imaginary] = [0, 0];
    taps.forEach(([a, b], i) => {
      const phase = -2 * Math.PI * m * hertz * (tapDelaysSeconds[i] as number);
      real += a * Math.cos(phase) - b * Math.sin(phase);
      imaginary += a * Math.sin(phase) + b * Math.cos(phase);
    });
    return Math.max(real * real + imaginary * imaginary, 1e-6);
  });
}
