/**
 * Noise that devices add themselves under secure aggregation, so that nobody holds a sum without it (Kairouz, Liu, Steinke
 * 2021, with masks that differ by device). Each adds so little that the keepers which are in a value's sum for sure have
 * enough together; whoever else is left only adds to it. Devices that collude know their own part: what protects from them
 * is the rest.
 *
 * A sum of discrete Gaussians is not quite one. With deviations of LEAST_GRAINS grains or more the two differ by less than
 * 10·n·exp(−π²·LEAST_GRAINS²) (their theorem 1), which is nothing: the accountant's Gaussian holds.
 */
import { sureKeepers } from "../secure-aggregation/company.ts";
import type { Coverage } from "../secure-aggregation/roster.ts";
import { discreteGaussian } from "./noise.ts";

/** Of a single device's noise, at least. */
const LEAST_GRAINS = 2 ** 10;
/** Beyond so many deviations a sum goes with a probability below 10⁻³². */
const REACH = 12;

/** How a round's numbers have to be for this noise. @param deviation of a sum's noise, σC @param devices in the roster */
export function noisyNumbers(
  deviation: number,
  devices: number,
): { readonly fractionBits: number; readonly largestNoise: number } {
  const fractionBits = Math.ceil(Math.log2((LEAST_GRAINS * Math.sqrt(devices)) / deviation));
  // All may be left where only two were sure: √(n/2) times the deviation that was asked for.
  const largestNoise = Math.ceil(REACH * Math.sqrt(devices / 2) * deviation * 2 ** fractionBits);
  return { fractionBits, largestNoise };
}

/** Grains for each of the values that a device sends. @param deviation of a sum's noise, σC */
export function noiseShare(
  { roster, keepers, cover, unitOf }: Coverage,
  indices: Uint32Array,
  deviation: number,
  uniform: () => number,
): Float64Array {
  const sure = sureKeepers(roster.graph, keepers, cover);
  const grains = deviation * 2 ** roster.format.fractionBits;
  return Float64Array.from(indices, (index) =>
    discreteGaussian(grains / Math.sqrt(sure[unitOf[index] as number] as number), uniform),
  );
}
