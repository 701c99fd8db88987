/**
 * Watts of a browser's device while it trains and sends. A browser measures no energy, so these are models: every
 * joule computed from them is an estimate with the stated spread, and the user may correct watts and battery.
 */
export const deviceKinds = ["phone", "integrated-gpu", "discrete-gpu", "cpu"] as const;
export type DeviceKind = (typeof deviceKinds)[number];

/** Where a joule figure comes from. */
export type EnergySource = "modelled" | "battery" | "emulated";

export interface EnergyProfile {
  readonly kind: DeviceKind;
  /** Drawn above idle while training, and while the radio or network card sends. */
  readonly computeWatts: number;
  readonly radioWatts: number;
  /** Factor by which the truth may lie above or below. */
  readonly spread: number;
  readonly basis: string;
}

/** Starting points for a device that nobody has measured. */
export const energyProfiles: Readonly<Record<DeviceKind, EnergyProfile>> = {
  phone: {
    kind: "phone",
    computeWatts: 4,
    radioWatts: 1.5,
    spread: 2,
    basis: "sustained package power of a passively cooled phone; Wi-Fi or LTE transmitter active",
  },
  "integrated-gpu": {
    kind: "integrated-gpu",
    computeWatts: 15,
    radioWatts: 1,
    spread: 2,
    basis: "15 W class laptop package under sustained load; Wi-Fi card active",
  },
  "discrete-gpu": {
    kind: "discrete-gpu",
    computeWatts: 120,
    radioWatts: 1,
    spread: 2.5,
    basis: "mid-range graphics card below its board power, since small kernels leave it partly idle",
  },
  cpu: {
    kind: "cpu",
    computeWatts: 25,
    radioWatts: 1,
    spread: 2,
    basis: "a few busy cores of a desktop or laptop processor",
  },
};

/** The user's own figures over a profile's. */
export function correctedProfile(
  profile: EnergyProfile,
  corrections: { readonly computeWatts?: number; readonly radioWatts?: number },
): EnergyProfile {
  return { ...profile, ...corrections, spread: 1.2, basis: `${profile.basis}; watts corrected by the user` };
}

export interface JouleEstimate {
  readonly joules: number;
  readonly leastJoules: number;
  readonly mostJoules: number;
  readonly source: EnergySource;
}

/** Joules of a round by the profile. */
export function modelledJoules(
  profile: EnergyProfile,
  computeSeconds: number,
  radioSeconds: number,
): JouleEstimate {
  const joules = profile.computeWatts * computeSeconds + profile.radioWatts * radioSeconds;
  return {
    joules,
    leastJoules: joules / profile.spread,
    mostJoules: joules * profile.spread,
    source: "modelled",
  };
}

/** Joules by the fall of a battery's charge. Browsers report charge in whole hundredths, so the fall is known to one
 *  of them either way. @returns null unless the charge fell by at least two hundredths while discharging */
export function batteryJoules(
  before: { readonly level: number; readonly charging: boolean },
  after: { readonly level: number; readonly charging: boolean },
  batteryWattHours: number,
): JouleEstimate | null {
  const fall = before.level - after.level;
  if (before.charging || after.charging || fall < 0.02 - 1e-9) return null;
  const full = 3600 * batteryWattHours;
  return {
    joules: fall * full,
    leastJoules: (fall - 0.01) * full,
    mostJoules: (fall + 0.01) * full,
    source: "battery",
  };
}

/** Joules a round may take: a share of the battery's capacity, or no limit on mains. */
export function energyBudgetJoules(
  battery: { readonly wattHours: number; readonly shareOfCapacity: number } | null,
): number {
  return battery === null ? Number.POSITIVE_INFINITY : 3600 * battery.wattHours * battery.shareOfCapacity;
}
