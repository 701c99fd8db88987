/** Joules as a share of a battery, which people have a feeling for. */

const JOULES_PER_WATT_HOUR = 3600;
/** 4,000 mAh at 3.85 V, as many phones have. */
export const PHONE_WATT_HOURS = 15.4;

/** @param ownWattHours of this device's battery; null takes a typical phone's */
export function shareOfBattery(joules: number, ownWattHours: number | null): number {
  return joules / ((ownWattHours ?? PHONE_WATT_HOURS) * JOULES_PER_WATT_HOUR);
}
