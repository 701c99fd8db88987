/**
 * An emulated radio cell, for runs with `links: "emulated"`: each participant gets a place, and each round its
 * sub-channels fade anew. All is drawn from the run's seed, so a run repeats. Nothing here is measured, and whatever
 * comes of it is labelled `emulated`. Model: 3GPP urban path loss 128.1 + 37.6 log₁₀ d/km, log-normal shadowing, Rayleigh
 * fading with six equal taps across the sub-channels.
 */
import { createRandom, type RunConfig } from "@fedlodrop/run";

/** SI units; decibels only where the model is stated in them. */
export const RADIO_CELL = {
  subChannelHertz: 15e3,
  radiusMeters: 500,
  leastDistanceMeters: 35,
  shadowingDecibels: 8,
  fadingTaps: 6,
  /** −174 dBm/Hz and a noise figure of 7 dB. */
  noiseWattsPerHertz: 2e-20,
  /** Γ, linear. */
  snrGap: 1.5,
  maxTransmitPowerWatts: 0.1,
  amplifierEfficiency: 0.35,
  stationPowerWatts: 1,
} as const;

/** |h|² averaged over fading: the same in every round. */
export function meanGain(seed: string, participantId: string): number {
  const random = createRandom(seed, "radio place", participantId);
  const { radiusMeters, leastDistanceMeters, shadowingDecibels } = RADIO_CELL;
  // Uniform over the disc's area.
  const distance = Math.max(leastDistanceMeters, radiusMeters * Math.sqrt(random.uniform()));
  const lossDecibels = 128.1 + 37.6 * Math.log10(distance / 1000) + shadowingDecibels * random.normal();
  return 10 ** (-lossDecibels / 10);
}

/** |h|² of each sub-channel in one round. */
export function fadedGains(
  { seed, subChannels }: Pick<RunConfig, "seed" | "subChannels">,
  round: number,
  participantId: string,
): readonly number[] {
  const random = createRandom(seed, round, "radio fading", participantId);
  const { fadingTaps } = RADIO_CELL;
  const mean = meanGain(seed, participantId);
  // Each tap is complex normal with mean power 1/taps.
  const scale = Math.sqrt(1 / (2 * fadingTaps));
  const taps = Array.from(
    { length: fadingTaps },
    () => [scale * random.normal(), scale * random.normal()] as const,
  );
  return Array.from({ length: subChannels }, (_, channel) => {
    let [real, imaginary] = [0, 0];
    taps.forEach(([re, im], delay) => {
      const angle = (-2 * Math.PI * channel * delay) / subChannels;
      real += re * Math.cos(angle) - im * Math.sin(angle);
      imaginary += re * Math.sin(angle) + im * Math.cos(angle);
    });
    return mean * (real * real + imaginary * imaginary);
  });
}

/** a in 1/W: p watts on the sub-channel carry W log₂(1 + p·a) bit/s. */
export const gainPerWatt = (gain: number): number =>
  gain / (RADIO_CELL.snrGap * RADIO_CELL.noiseWattsPerHertz * RADIO_CELL.subChannelHertz);

/** Bit/s of a device with these sub-channels and its power spread evenly over them. */
export function evenPowerRate(gains: readonly number[]): number {
  const watts = RADIO_CELL.maxTransmitPowerWatts / gains.length;
  return gains.reduce(
    (sum, gain) => sum + RADIO_CELL.subChannelHertz * Math.log2(1 + watts * gainPerWatt(gain)),
    0,
  );
}

/** Watts that a device at full power draws for its radio. */
export const FULL_POWER_WATTS = RADIO_CELL.maxTransmitPowerWatts / RADIO_CELL.amplifierEfficiency;

/** Downlink bit/s of one of `cohortSize` devices, among whom a band as wide as the uplink's is divided evenly. */
export function downlinkRate(gain: number, cohortSize: number, subChannels: number): number {
  const hertz = (subChannels * RADIO_CELL.subChannelHertz) / cohortSize;
  const snr =
    (RADIO_CELL.stationPowerWatts * gain) / (RADIO_CELL.snrGap * RADIO_CELL.noiseWattsPerHertz * hertz);
  return hertz * Math.log2(1 + snr);
}
