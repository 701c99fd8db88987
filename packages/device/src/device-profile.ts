/**
 * Where a device's energy estimate starts from. Browsers report no joules, so watts are typical values of a kind of
 * device under this load, which the user may correct; they are estimates and are labelled so wherever they appear.
 */
import type { EnergyProfile } from "@fedlodrop/protocol";

export type DeviceKind = EnergyProfile["kind"];

/** Watts drawn above idle by computing and by the radio or network card. */
export const TYPICAL_WATTS: Readonly<
  Record<DeviceKind, { readonly title: string; readonly computeWatts: number; readonly radioWatts: number }>
> = {
  phone: { title: "Phone or tablet", computeWatts: 4, radioWatts: 1.5 },
  "integrated-gpu": { title: "Laptop with integrated graphics", computeWatts: 15, radioWatts: 1 },
  "discrete-gpu": { title: "Computer with a graphics card", computeWatts: 80, radioWatts: 1 },
  cpu: { title: "Processor only", computeWatts: 15, radioWatts: 1 },
};

export interface DeviceFacts {
  readonly mobile: boolean;
  /** The GPU that trains, in WebGPU's words; null when the processor does. */
  readonly gpu: string | null;
}

export function deviceKind({ mobile, gpu }: DeviceFacts): DeviceKind {
  if (mobile) return "phone";
  if (gpu === null) return "cpu";
  return /nvidia/i.test(gpu) ? "discrete-gpu" : "integrated-gpu";
}

/** What the user typed over the typical values; undefined where nothing was typed. */
export interface ProfileCorrection {
  readonly computeWatts?: number | undefined;
  readonly batteryWattHours?: number | undefined;
}

export function energyProfile(kind: DeviceKind, correction: ProfileCorrection): EnergyProfile {
  const typical = TYPICAL_WATTS[kind];
  return {
    kind,
    computeWatts: correction.computeWatts ?? typical.computeWatts,
    radioWatts: typical.radioWatts,
    batteryWattHours: correction.batteryWattHours ?? null,
    source: correction.computeWatts === undefined ? "modelled" : "user",
  };
}
