/** Joules of a round: from the device's watts, or from how fast its battery empties where the browser tells that. */
import type { EnergyProfile } from "@fedlodrop/protocol";

export interface EnergyEstimate {
  readonly joules: number;
  /** `processor`: modelled too, but by the time that a processor was at it. */
  readonly source: "modelled" | "processor" | "battery";
}

/** Time at work: a transfer's pauses are not in it, for whoever waits sends nothing. */
export interface RoundSeconds {
  readonly compute: number;
  /** Of `compute`, what processors were at it, over the threads; null where nobody tells, as in browsers. */
  readonly processor: number | null;
  readonly download: number;
  readonly upload: number;
}

/** P_device·T_compute + P_radio·T_transfer, waiting for a busy processor not billed where that is known; or, with a measured battery drain, its watts over all of that time.
 *  The battery feeds everything the device does, so that estimate covers more than this tab.
 *  @param uploadWatts of an emulated cell's radio, in place of the device's own */
export function estimateEnergy(
  { computeWatts, radioWatts }: EnergyProfile,
  batteryWatts: number | null,
  { compute, processor, download, upload }: RoundSeconds,
  uploadWatts: number | null,
): EnergyEstimate {
  return batteryWatts === null
    ? {
        joules:
          computeWatts * Math.min(compute, processor ?? compute) +
          radioWatts * download +
          (uploadWatts ?? radioWatts) * upload,
        source: processor === null ? "modelled" : "processor",
      }
    : { joules: batteryWatts * (compute + download + upload), source: "battery" };
}
