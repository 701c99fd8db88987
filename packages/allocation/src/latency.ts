/** Round latency of one device: overhead, download, computation, upload. Everything but the upload is linear in
 *  the keep rate s, so it is carried as a fixed part and a part per unit of s. */
import type { Device, OperatingPoint } from "./system.ts";

/** A quantity a + b·s of the keep rate s. */
export interface LinearInKeepRate {
  readonly fixed: number;
  readonly perKeepRate: number;
}

/** Seconds before the upload starts, at an operating point: overhead + download + computation. */
export function preparationSeconds(device: Device, point: OperatingPoint): LinearInKeepRate {
  const flopPerSecond = point.frequencyHertz * point.flopPerCycle;
  return {
    fixed:
      device.overheadSeconds +
      device.downloadFixedBits / device.downloadBitsPerSecond +
      device.baseFlop / flopPerSecond,
    perKeepRate:
      device.downloadBitsPerKeepRate / device.downloadBitsPerSecond + device.adapterFlop / flopPerSecond,
  };
}

/** Bits of an update with `entryCount` adapter entries: header and mask seed, plus one value for each kept entry.
 *  Kept rows and columns are counted up to whole ones, which the fixed part allows for (two per layer and rank). */
export function uploadBits(shape: {
  readonly entryCount: number;
  readonly rankTotal: number;
  readonly bitsPerValue: number;
  readonly headerBits: number;
}): LinearInKeepRate {
  return {
    fixed: shape.headerBits + 64 + 2 * shape.bitsPerValue * shape.rankTotal,
    perKeepRate: shape.bitsPerValue * shape.entryCount,
  };
}
