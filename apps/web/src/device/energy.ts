/** Joules of a round: from the device's watts, or from how fast its battery empties where the browser tells that. */
import type { EnergyProfile } from "@fedlodrop/protocol";

export interface EnergyEstimate {
  readonly joules: number;
  readonly source: "modelled" | "battery";
}

export interface RoundSeconds {
  readonly compute: number;
  /** Down and up together. */
  readonly transfer: number;
}

/** P_device·T_compute + P_radio·T_transfer; or, with a measured battery drain, its watts over the whole time.
 *  The battery feeds everything the device does, so that estimate covers more than this tab. */
export function estimateEnergy(
  profile: EnergyProfile,
  batteryWatts: number | null,
  { compute, transfer }: RoundSeconds,
): EnergyEstimate {
  return batteryWatts === null
    ? { joules: profile.computeWatts * compute + profile.radioWatts * transfer, source: "modelled" }
    : { joules: batteryWatts * (compute + transfer), source: "battery" };
}
