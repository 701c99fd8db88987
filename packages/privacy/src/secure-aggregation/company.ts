/**
 * Which values a device may send, and under which masks, when every device keeps other rows and columns.
 *
 * A unit is what is kept or dropped as a whole: a column of A, a row of B, or all dense parameters. A pair of neighbours
 * masks the units that both keep. A unit's company is how many neighbours of a device keep it too, at the device that has
 * fewest, and none where the keepers fall into groups with no mask between them: the coordinator could sum up each group
 * by itself. A sum says nothing of a single device only where company is left, so a unit is
 *
 * - `closed` where a device or a group would be alone: nobody sends it and the adapter stays there as it was;
 * - `mendable` where company remains however many devices vanish within what a round bears: the masks of the vanished can
 *   be reconstructed and taken out;
 * - `firm` in between: its masks come from secrets that nobody can reconstruct. If all its keepers last they cancel; if one
 *   vanishes the unit stays hidden for good, and the adapter stays there as it was.
 *
 * `isBetrayed` is what makes it safe: before devices give up a share they look whether the survivors leave anybody alone in
 * a mendable unit, and refuse then, whatever the coordinator says about who vanished. So the one sum that can be seen of a
 * unit is that of all its keepers who last.
 */
import {
  type AdapterShape,
  adapterLayout,
  adapterSize,
  atOnce,
  type DropoutMask,
  type Pieces,
} from "@fedlodrop/run";
import { type DeviceGraph, survivorThreshold } from "./device-graph.ts";

/** Devices that must be summed at least: a sum of two hides each from everybody but the other. */
export const LEAST_SUMMED = 2;
/** With that many to spare, chance leaves nobody alone: 3^−20 for each device and unit when a third vanishes at random. */
const MOST_SPARE = 20;

export type Cover = "closed" | "firm" | "mendable";
export const COVERS: readonly Cover[] = ["closed", "firm", "mendable"];
const [CLOSED, FIRM, MENDABLE] = [0, 1, 2];

export function unitCount({ modules, dense }: AdapterShape): number {
  return modules.reduce(
    (sum, { inFeatures, outFeatures }) => sum + inFeatures + outFeatures,
    dense.length && 1,
  );
}

/** The unit of each value of the full vector. */
export function unitsOfValues(shape: AdapterShape): Uint32Array {
  const units = new Uint32Array(adapterSize(shape));
  const slices = adapterLayout(shape);
  let first = 0;
  shape.modules.forEach(({ inFeatures, outFeatures }, module) => {
    const [ofA, ofB] = [slices[2 * module]?.offset ?? 0, slices[2 * module + 1]?.offset ?? 0];
    for (let r = 0; r < shape.rank; r++)
      for (let column = 0; column < inFeatures; column++)
        units[ofA + r * inFeatures + column] = first + column;
    for (let row = 0; row < outFeatures; row++)
      units.fill(first + inFeatures + row, ofB + row * shape.rank, ofB + (row + 1) * shape.rank);
    first += inFeatures + outFeatures;
  });
  const dense = slices[2 * shape.modules.length];
  if (dense !== undefined) units.fill(first, dense.offset);
  return units;
}

/** Units that a mask keeps, ascending. */
export function keptUnits(shape: AdapterShape, mask: DropoutMask): Uint32Array {
  const units: number[] = [];
  let first = 0;
  shape.modules.forEach(({ inFeatures, outFeatures }, module) => {
    for (const column of mask[module]?.keptColumns ?? []) units.push(first + column);
    for (const row of mask[module]?.keptRows ?? []) units.push(first + inFeatures + row);
    first += inFeatures + outFeatures;
  });
  if (shape.dense.length > 0) units.push(first);
  return Uint32Array.from(units);
}

/** Who keeps which unit: a bit a device. */
export interface Keepers {
  readonly units: number;
  readonly devices: number;
  /** [units, ⌈devices / 32⌉] */
  readonly bits: Uint32Array;
}

/** @param kept units by device, for the devices that take part; null for those that do not */
export function keepersOf(units: number, kept: readonly (Uint32Array | null)[]): Keepers {
  const keepers = noKeepers(units, kept.length);
  kept.forEach((own, device) => {
    if (own !== null) addKeeper(keepers, device, own);
  });
  return keepers;
}

export const noKeepers = (units: number, devices: number): Keepers => ({
  units,
  devices,
  bits: new Uint32Array(units * Math.ceil(devices / 32)),
});

/** @param kept units, of a device that has been in none */
export function addKeeper({ devices, bits }: Keepers, device: number, kept: Uint32Array): void {
  const width = Math.ceil(devices / 32);
  const [word, bit] = [device >>> 5, 1 << (device & 31)];
  for (let i = 0; i < kept.length; i++) {
    const at = (kept[i] as number) * width + word;
    bits[at] = (bits[at] as number) | bit;
  }
}

export function keepsUnit({ devices, bits }: Keepers, unit: number, device: number): boolean {
  return (((bits[unit * Math.ceil(devices / 32) + (device >>> 5)] as number) >>> (device & 31)) & 1) === 1;
}

/** A millisecond or so with a thousand devices. */
const UNITS_A_PIECE = 32;

/** By unit: neighbours that keep it too, at the keeper that has fewest; 0 where nobody keeps it or keepers are in several groups. */
export function* leastCompany(graph: DeviceGraph, { units, devices, bits }: Keepers): Pieces<Uint32Array> {
  const width = Math.ceil(devices / 32);
  const least = new Uint32Array(units);
  const { ring } = graph;
  const rows = ring && adjacencyRows(graph, width);
  const span = (graph.neighbours[0]?.length ?? 0) / 2;
  for (let unit = 0; unit < units; unit++) {
    if (unit % UNITS_A_PIECE === 0) yield;
    const at = unit * width;
    let count = 0;
    for (let w = 0; w < width; w++) count += ones(bits[at + w] as number);
    if (count === 0) continue;
    let fewest = count - 1;
    if (rows !== null)
      for (let device = 0; device < devices; device++) {
        if ((((bits[at + (device >>> 5)] as number) >>> (device & 31)) & 1) === 0) continue;
        let company = 0;
        for (let w = 0; w < width; w++)
          company += ones((bits[at + w] as number) & (rows[device * width + w] as number));
        if (company < fewest) fewest = company;
      }
    least[unit] = ring === null || isOneGroup(ring, span, bits.subarray(at, at + width)) ? fewest : 0;
  }
  return least;
}

/**
 * Whether chains of neighbours reach all keepers of a unit from any one: on the ring there is one gap at most, between one
 * keeper and the next, that no pair of neighbours spans.
 * @param keepers a bit a device, of at least one
 */
function isOneGroup(ring: Uint32Array, span: number, keepers: Uint32Array): boolean {
  let [first, last, gaps] = [-1, -1, 0];
  for (let place = 0; place < ring.length; place++) {
    const device = ring[place] as number;
    if ((((keepers[device >>> 5] as number) >>> (device & 31)) & 1) === 0) continue;
    if (first < 0) first = place;
    else if (place - last > span) gaps++;
    last = place;
  }
  if (first + ring.length - last > span) gaps++;
  return gaps <= 1;
}

function adjacencyRows({ neighbours }: DeviceGraph, width: number): Uint32Array {
  const rows = new Uint32Array(neighbours.length * width);
  neighbours.forEach((own, device) => {
    for (const other of own) {
      const at = device * width + (other >>> 5);
      rows[at] = (rows[at] as number) | (1 << (other & 31));
    }
  });
  return rows;
}

/** Set bits of a word (Hacker's Delight, 5-1). */
function ones(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** How each unit is covered when these devices are about to send; positions in COVERS. */
export function* coverUnits(graph: DeviceGraph, keepers: Keepers): Pieces<Uint8Array> {
  const bearable = graph.size - survivorThreshold(graph.size);
  const needed = LEAST_SUMMED - 1;
  const spare = Math.min(bearable, MOST_SPARE);
  return Uint8Array.from(yield* leastCompany(graph, keepers), (company) =>
    company < needed ? CLOSED : company < needed + spare ? FIRM : MENDABLE,
  );
}

/**
 * By unit: how many of its keepers are in its sum for sure, if there is one. In a firm unit all; in a mendable one those that
 * remain when all vanish that may, and `LEAST_SUMMED` at least (`isBetrayed`).
 */
export function sureKeepers(
  graph: DeviceGraph,
  { units, devices, bits }: Keepers,
  cover: Uint8Array,
): Uint32Array {
  const width = Math.ceil(devices / 32);
  const bearable = graph.size - survivorThreshold(graph.size);
  return Uint32Array.from({ length: units }, (_, unit) => {
    if (cover[unit] === CLOSED) return 0;
    let count = 0;
    for (let w = 0; w < width; w++) count += ones(bits[unit * width + w] as number);
    return cover[unit] === FIRM ? count : Math.max(LEAST_SUMMED, count - bearable);
  });
}

/** Whether taking out the masks of everybody but these survivors would leave one of them, or a group, alone somewhere. */
export function isBetrayed(graph: DeviceGraph, cover: Uint8Array, survivors: Keepers): boolean {
  const least = atOnce(leastCompany(graph, survivors));
  const width = Math.ceil(survivors.devices / 32);
  return cover.some((covered, unit) => {
    if (covered !== MENDABLE || (least[unit] as number) >= LEAST_SUMMED - 1) return false;
    for (let w = 0; w < width; w++) if (survivors.bits[unit * width + w] !== 0) return true;
    return false;
  });
}
