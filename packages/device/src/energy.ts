/** Joules of a round: from the device's watts, or from how fast its battery empties where the browser tells that. */
import type { EnergyProfile } from "@fedlodrop/protocol";

export interface EnergyEstimate {
  readonly joules: number;
  readonly source: "modelled" | "battery";
}

/** Time at work: a transfer's pauses are not in it, for whoever waits sends nothing. */
export interface RoundSeconds {
  readonly compute: number;
  readonly download: number;
  readonly upload: number;
}

/** P_device·T_compute + P_radio·T_transfer; or, with a measured battery drain, its watts over all of that time.
 *  The battery feeds everything the device does, so that estimate covers more than this tab.
 *  @param uploadWatts of an emulated cell's radio, in place of the device's own */
export function estimateEnergy(
  { computeWatts, radioWatts }: EnergyProfile,
  batteryWatts: number | null,
  { compute, download, upload }: RoundSeconds,
  uploadWatts: number | null,
): EnergyEstimate {
  return batteryWatts === null
    ? {
        joules: computeWatts * compute + radioWatts * download + (uploadWatts ?? radioWatts) * upload,
        source: "modelled",
      }
    : { joules: batteryWatts * (compute + download + upload), source: "battery" };
}
