/**
 * Which devices mask with each other. Up to COMPLETE_UP_TO all do, as in Bonawitz et al. (2017). Beyond, each has an even
 * number of neighbours on a ring in random order: the Harary graph of SecAgg+ (Bell et al. 2020), so that a device's work
 * grows slowly with the cohort. Secrets are shared among a device and its neighbours, which is its circle.
 *
 * Devices are numbers: places in the round's roster.
 */
import { createRandom, shuffled } from "@fedlodrop/run";

export const COMPLETE_UP_TO = 32;
/** Largest share of the devices that may vanish in a round without ending it. */
const LOST_SHARE = 1 / 3;
/** Probability that a round with that many lost devices ends, for one circle that has lost too many. */
const RISK = 2 ** -10;

export interface DeviceGraph {
  readonly size: number;
  /** Devices in its order: neighbours are those within half a degree on it. Null where all are neighbours. */
  readonly ring: Uint32Array | null;
  /** Of each device, ascending. */
  readonly neighbours: readonly Uint32Array[];
  /** Shares that a secret takes. */
  readonly shareThreshold: number;
}

/** Devices that must last through a round; equally many must agree on who did. Two thirds, rounded up. */
export const survivorThreshold = (devices: number): number => Math.ceil((1 - LOST_SHARE) * devices - 1e-9);

/** @param seed public, and not known before the roster is */
export function drawGraph(size: number, seed: string): DeviceGraph {
  if (size <= COMPLETE_UP_TO) {
    const all = Uint32Array.from({ length: size }, (_, k) => k);
    const neighbours = Array.from(all, (k) => all.filter((other) => other !== k));
    return { size, ring: null, neighbours, shareThreshold: survivorThreshold(size) };
  }
  const degree = lightDegree(size);
  const ring = Uint32Array.from(
    shuffled(
      Array.from({ length: size }, (_, k) => k),
      createRandom(seed, "device-graph"),
    ),
  );
  const neighbours: Uint32Array[] = [];
  for (let at = 0; at < size; at++) {
    const own = new Uint32Array(degree);
    for (let step = 1; step <= degree / 2; step++) {
      own[2 * step - 2] = ring[(at + step) % size] as number;
      own[2 * step - 1] = ring[(at - step + size) % size] as number;
    }
    neighbours[ring[at] as number] = own.sort();
  }
  return { size, ring, neighbours, shareThreshold: lightThreshold(degree) };
}

/** More than half of a circle: colluding devices need as many to learn a secret. */
const lightThreshold = (degree: number): number => Math.floor((degree + 1) / 2) + 1;

/** The fewest neighbours with which a third of the devices may vanish and all circles still hold, but for RISK. */
export function lightDegree(size: number): number {
  const lost = size - survivorThreshold(size);
  for (let degree = COMPLETE_UP_TO - 2; degree < size - 1; degree += 2) {
    const bearable = degree + 1 - lightThreshold(degree);
    if (size * tail(size, lost, degree + 1, bearable) <= RISK) return degree;
  }
  return size - 1 - ((size - 1) % 2);
}

/** P[more than `bearable` of `drawn` are among the `lost` of `size`]: hypergeometric, summed from logarithms. */
function tail(size: number, lost: number, drawn: number, bearable: number): number {
  let sum = 0;
  for (let k = bearable + 1; k <= Math.min(drawn, lost); k++)
    sum += Math.exp(logChoose(lost, k) + logChoose(size - lost, drawn - k) - logChoose(size, drawn));
  return sum;
}

function logChoose(n: number, k: number): number {
  if (k < 0 || k > n) return Number.NEGATIVE_INFINITY;
  let sum = 0;
  for (let i = 1; i <= Math.min(k, n - k); i++) sum += Math.log((n - i + 1) / i);
  return sum;
}

/** A device and its neighbours, ascending: who holds shares of its secrets, and in which place. */
export function circleOf({ neighbours }: DeviceGraph, device: number): Uint32Array {
  return Uint32Array.of(device, ...(neighbours[device] as Uint32Array)).sort();
}
