/** How fast the battery empties, from the level changes the browser reports (Chromium's Battery Status API). */

/** One level change while discharging. */
export interface BatteryReading {
  readonly atSeconds: number;
  /** 0 to 1, in steps of one per cent. */
  readonly level: number;
}

const JOULES_PER_WATT_HOUR = 3600;

/** Mean watts between the first and the last reading; null before two drops, when the step of one per cent would be
 *  the whole measurement. Readings are taken at changes, so n readings span n − 1 whole steps. */
export function batteryWatts(readings: readonly BatteryReading[], wattHours: number | null): number | null {
  const first = readings[0];
  const last = readings.at(-1);
  if (wattHours === null || !first || !last || readings.length < 3) return null;
  const seconds = last.atSeconds - first.atSeconds;
  const drop = first.level - last.level;
  return seconds > 0 && drop > 0 ? (drop * wattHours * JOULES_PER_WATT_HOUR) / seconds : null;
}

interface BatteryManager extends EventTarget {
  readonly level: number;
  readonly charging: boolean;
}

/** Calls back at each level change with the readings since the device last left its charger. Silent where the
 *  browser has no battery interface. */
export async function watchBattery(onReadings: (readings: readonly BatteryReading[]) => void): Promise<void> {
  if (!("getBattery" in navigator)) return;
  const battery = await (navigator.getBattery as () => Promise<BatteryManager>)();
  let readings: BatteryReading[] = [];
  battery.addEventListener("chargingchange", () => {
    readings = [];
    onReadings(readings);
  });
  battery.addEventListener("levelchange", () => {
    if (battery.charging) return;
    readings.push({ atSeconds: performance.now() / 1000, level: battery.level });
    onReadings(readings);
  });
}
