/**
 * What a round under secure aggregation is about, as coordinator and devices derive it alike: who takes part, with which
 * keys, weights and masks, who masks with whom, and which values are sent under which masks.
 */
import { type AdapterShape, drawDropoutMask, type Pieces } from "@fedlodrop/run";
import { bytesToHex } from "@noble/hashes/utils.js";
import {
  addKeeper,
  COVERS,
  coverUnits,
  type Keepers,
  keepsUnit,
  keptUnits,
  noKeepers,
  unitCount,
  unitsOfValues,
} from "./company.ts";
import { type DeviceGraph, drawGraph } from "./device-graph.ts";
import { type FixedPoint, fixedPointFor } from "./fixed-point.ts";
import { digest, isSigned, KEY_BYTES, SIGNATURE_BYTES } from "./keys.ts";

/** Public, and the same for everybody in the round. */
export interface SecureTerms {
  readonly runId: string;
  readonly round: number;
  /** Of the run: masks follow from it. */
  readonly seed: string;
  readonly shape: AdapterShape;
  /** Largest change of a value. */
  readonly limit: number;
  readonly fractionBits: number;
  /** Grains that noise adds to a sum at most; 0 without noise. */
  readonly largestNoise: number;
}

/** What a device says of itself at the start: five fields one after the other. */
export interface Advertisement {
  readonly identity: Uint8Array;
  /** For sealing shares, and for masks that nobody can take out. */
  readonly sealKey: Uint8Array;
  /** For masks that can be taken out when the device vanishes. */
  readonly maskKey: Uint8Array;
  /** Digest of the seed of its own mask, so that a wrong share shows. */
  readonly commitment: Uint8Array;
  /** By the identity, of all the above and the round. */
  readonly signature: Uint8Array;
}

export interface RosterEntry {
  readonly id: string;
  /** Samples that its update counts for. */
  readonly weight: number;
  readonly dropoutRate: number;
  readonly advertisement: Uint8Array;
}

export interface Roster {
  readonly terms: SecureTerms;
  readonly entries: readonly RosterEntry[];
  readonly keys: readonly Advertisement[];
  /** Place of each device by id. */
  readonly places: ReadonlyMap<string, number>;
  /** Digest of all of this: whoever has another one is in another round. */
  readonly binding: Uint8Array;
  readonly graph: DeviceGraph;
  readonly format: FixedPoint;
}

/** Who will send, and what. */
export interface Coverage {
  readonly roster: Roster;
  /** By place; null for those that are not among the senders. */
  readonly kept: readonly (Uint32Array | null)[];
  readonly keepers: Keepers;
  /** By unit, positions in COVERS. */
  readonly cover: Uint8Array;
  /** By value of the full vector. */
  readonly unitOf: Uint32Array;
}

export const ADVERTISEMENT_BYTES = 4 * KEY_BYTES + SIGNATURE_BYTES;

export const advertised = ({ runId, round }: SecureTerms, id: string, fields: Uint8Array): Uint8Array =>
  digest("advertisement", runId, round, id, fields);

export function readAdvertisement(bytes: Uint8Array): Advertisement {
  const field = (at: number): Uint8Array => bytes.subarray(at * KEY_BYTES, (at + 1) * KEY_BYTES);
  return {
    identity: field(0),
    sealKey: field(1),
    maskKey: field(2),
    commitment: field(3),
    signature: bytes.subarray(4 * KEY_BYTES),
  };
}

/** Why this is not a device's advertisement for this round, or null. */
export function advertisementProblem(terms: SecureTerms, id: string, bytes: Uint8Array): string | null {
  if (bytes.length !== ADVERTISEMENT_BYTES)
    return `keys of ${id}: expected ${ADVERTISEMENT_BYTES} bytes, got ${bytes.length}`;
  const { identity, signature } = readAdvertisement(bytes);
  const signed = advertised(terms, id, bytes.subarray(0, 4 * KEY_BYTES));
  return isSigned(signed, signature, identity)
    ? null
    : `keys of ${id}: not signed by its identity for this round`;
}

/** @throws on ids that repeat or are out of order, on weights that are none, and where a sum would not fit */
export function openRoster(terms: SecureTerms, entries: readonly RosterEntry[]): Roster {
  entries.forEach(({ id, weight, dropoutRate }, place) => {
    const before = entries[place - 1];
    if (before !== undefined && !(before.id < id))
      throw new Error(`roster: expected ids in order, got ${id} after ${before.id}`);
    if (!(Number.isInteger(weight) && weight >= 1))
      throw new Error(`roster: expected a whole weight from 1, got ${weight}`);
    if (!(dropoutRate >= 0 && dropoutRate < 1))
      throw new Error(`roster: expected a dropout rate in [0, 1), got ${dropoutRate}`);
  });
  const { runId, round, seed, shape, limit, fractionBits, largestNoise } = terms;
  const binding = digest(
    "roster",
    runId,
    round,
    seed,
    JSON.stringify(shape),
    limit,
    fractionBits,
    largestNoise,
    ...entries.flatMap(({ id, weight, dropoutRate, advertisement }) => [
      id,
      weight,
      dropoutRate,
      advertisement,
    ]),
  );
  const totalWeight = entries.reduce((sum, { weight }) => sum + weight, 0);
  return {
    terms,
    entries,
    keys: entries.map(({ advertisement }) => readAdvertisement(advertisement)),
    places: new Map(entries.map(({ id }, place) => [id, place])),
    binding,
    graph: drawGraph(entries.length, bytesToHex(binding)),
    format: fixedPointFor(limit, totalWeight, fractionBits, largestNoise),
  };
}

/** @param senders places of those that have shared their secrets */
export function* coverageOf(roster: Roster, senders: ReadonlySet<number>): Pieces<Coverage> {
  const { shape, seed, round } = roster.terms;
  const kept: (Uint32Array | null)[] = [];
  const keepers = noKeepers(unitCount(shape), roster.entries.length);
  for (const [place, { id, dropoutRate }] of roster.entries.entries()) {
    yield;
    const key = { seed, round, participantId: id, dropoutRate };
    const own = senders.has(place) ? keptUnits(shape, drawDropoutMask(shape, key)) : null;
    if (own !== null) addKeeper(keepers, place, own);
    kept.push(own);
  }
  const cover = yield* coverUnits(roster.graph, keepers);
  return { roster, kept, keepers, cover, unitOf: unitsOfValues(shape) };
}

/** By unit, 1 where a device sends: what it keeps and is not closed. */
function sentUnits({ keepers, cover }: Coverage, device: number): Uint8Array {
  const closed = COVERS.indexOf("closed");
  return cover.map((own, unit) => (own !== closed && keepsUnit(keepers, unit, device) ? 1 : 0));
}

/** Values of the full vector that a device sends, ascending: all it keeps but the closed ones. */
export function sentIndices(coverage: Coverage, device: number): Uint32Array {
  return valuesOf(coverage, sentUnits(coverage, device));
}

/** Values of the full vector in these units, ascending. @param chosen by unit, 1 where it is */
function valuesOf({ unitOf }: Coverage, chosen: Uint8Array): Uint32Array {
  const indices = new Uint32Array(unitOf.length);
  let count = 0;
  for (let index = 0; index < unitOf.length; index++)
    if (chosen[unitOf[index] as number] === 1) indices[count++] = index;
  return indices.slice(0, count);
}

/** How many these are, from how many values each unit has. */
export function sentCount(coverage: Coverage, valuesOf: Uint32Array, device: number): number {
  return sentUnits(coverage, device).reduce(
    (sum, isSent, unit) => sum + isSent * (valuesOf[unit] as number),
    0,
  );
}

/** By unit, 1 where all of these devices send under that cover. */
function commonUnits(
  { keepers, cover }: Coverage,
  under: "firm" | "mendable",
  ...devices: readonly number[]
): Uint8Array {
  const wanted = COVERS.indexOf(under);
  return cover.map((own, unit) =>
    own === wanted && devices.every((device) => keepsUnit(keepers, unit, device)) ? 1 : 0,
  );
}

/** Values of the full vector whose masks can be taken out when one of two neighbours vanishes, in the order of the masks. */
export const mendableIndices = (coverage: Coverage, one: number, other: number): Uint32Array =>
  valuesOf(coverage, commonUnits(coverage, "mendable", one, other));

/** Positions within `indices` of what this neighbour sends too, under that cover. */
export function commonPositions(
  coverage: Coverage,
  indices: Uint32Array,
  neighbour: number,
  under: "firm" | "mendable",
): Uint32Array {
  const { unitOf } = coverage;
  const common = commonUnits(coverage, under, neighbour);
  const positions = new Uint32Array(indices.length);
  let count = 0;
  for (let at = 0; at < indices.length; at++)
    if (common[unitOf[indices[at] as number] as number] === 1) positions[count++] = at;
  return positions.subarray(0, count);
}

/** What devices sign when they have been told who is left. */
export function survivorsSigned(
  { binding }: Roster,
  senders: readonly string[],
  survivors: readonly string[],
): Uint8Array {
  return digest("survivors", binding, JSON.stringify([senders, survivors]));
}
