/**
 * Devices by the hundred thousand, none of them kept: whatever is asked of one is drawn from the seed and its number. Speeds and
 * links are log-normal, as measured fleets are; a file of profiles takes their place.
 */
import type { DeviceFacts } from "@fedlodrop/protocol";
import { createRandom, type Random } from "@fedlodrop/run";

export interface Profile {
  readonly stepSeconds: number;
  /** Bytes per second. */
  readonly up: number;
  readonly down: number;
  readonly computeWatts: number;
  /** Chance of being there in a round. */
  readonly availability: number;
}

export interface Population {
  readonly size: number;
  profileOf(device: number): Profile;
  /** Numbers of at most `most` of those who are there, drawn without looking at everybody. */
  cohort(round: number, most: number): readonly number[];
}

/** Kinds of device with their share: median seconds a step, watts, median uplink in bytes/s, availability. */
const KINDS = [
  { share: 0.5, stepSeconds: 0.6, computeWatts: 4, up: 250_000, availability: 0.5 },
  { share: 0.4, stepSeconds: 0.15, computeWatts: 15, up: 600_000, availability: 0.7 },
  { share: 0.1, stepSeconds: 0.05, computeWatts: 65, up: 2_000_000, availability: 0.9 },
] as const;
/** Standard deviations of the logarithms. */
const [SPEED_SPREAD, LINK_SPREAD] = [0.5, 0.8];
const DOWN_OVER_UP = 4;

function drawn(random: Random): Profile {
  let left = random.uniform();
  const kind = KINDS.find(({ share }) => {
    left -= share;
    return left < 0;
  }) as (typeof KINDS)[number];
  const up = kind.up * Math.exp(LINK_SPREAD * random.normal());
  return {
    stepSeconds: kind.stepSeconds * Math.exp(SPEED_SPREAD * random.normal()),
    up,
    down: DOWN_OVER_UP * up,
    computeWatts: kind.computeWatts,
    availability: kind.availability,
  };
}

/** @param profiles of a trace, one of which each device gets; drawn from the distribution when absent */
export function createPopulation(size: number, seed: string, profiles?: readonly Profile[]): Population {
  const profileOf = (device: number): Profile => {
    const random = createRandom(seed, "profile", device);
    return profiles ? (profiles[random.below(profiles.length)] as Profile) : drawn(random);
  };
  return {
    size,
    profileOf,
    cohort(round, most) {
      const random = createRandom(seed, "cohort", round);
      const first = random.below(size);
      let stride = random.below(size);
      while (greatestCommonDivisor(stride, size) > 1) stride = random.below(size);
      // Every number once, from anywhere on: nobody is likelier to be asked before the cohort is full.
      const present: number[] = [];
      for (let asked = 0, device = first; asked < size && present.length < most; asked++) {
        if (isThere(device, round)) present.push(device);
        device = (device + stride) % size;
      }
      return present.sort((a, b) => a - b);
    },
  };

  function isThere(device: number, round: number): boolean {
    return createRandom(seed, "there", round, device).uniform() < profileOf(device).availability;
  }
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

export const factsOf = (profile: Profile, sampleCount: number): DeviceFacts => ({
  backend: "wasm",
  deviceDescription: "simulated",
  sampleCount,
  firstStepSeconds: 2 * profile.stepSeconds,
  stepSeconds: profile.stepSeconds,
  roundTripSeconds: 0.05,
  energyProfile: {
    kind: "cpu",
    computeWatts: profile.computeWatts,
    radioWatts: 1,
    batteryWattHours: null,
    source: "modelled",
  },
});

const COLUMNS = ["step_seconds", "up", "down", "compute_watts", "availability"] as const;

/** Profiles of a CSV file with those columns, in any order, in SI units. @throws in one line on the first bad row */
export function parseProfiles(text: string): readonly Profile[] {
  const [header = "", ...lines] = text.trim().split(/\r?\n/);
  const names = header.split(",").map((name) => name.trim());
  const missing = COLUMNS.find((column) => !names.includes(column));
  if (missing !== undefined || lines.length === 0)
    throw new Error(
      `expected the columns ${COLUMNS.join(",")} and a row or more, got ${header || "nothing"}`,
    );
  return lines.map((line, i) => {
    const fields = line.split(",");
    const number = (column: (typeof COLUMNS)[number], most = Number.POSITIVE_INFINITY): number => {
      const value = Number(fields[names.indexOf(column)]?.trim() || Number.NaN);
      if (!(value > 0 && value <= most && value < Number.POSITIVE_INFINITY))
        throw new Error(
          `line ${i + 2}: expected a number above 0${most === 1 ? " and at most 1" : ""} in ${column}, got ${line}`,
        );
      return value;
    };
    return {
      stepSeconds: number("step_seconds"),
      up: number("up"),
      down: number("down"),
      computeWatts: number("compute_watts"),
      availability: number("availability", 1),
    };
  });
}
