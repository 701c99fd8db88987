import { describe, expect, it } from "vitest";
import { batteryWatts } from "./battery.ts";

describe("batteryWatts", () => {
  const readings = [
    { atSeconds: 0, level: 0.9 },
    { atSeconds: 180, level: 0.89 },
    { atSeconds: 360, level: 0.88 },
  ];

  it("is the energy of the dropped share over the time it took", () => {
    // 2 % of 50 Wh = 1 Wh = 3600 J in 360 s
    expect(batteryWatts(readings, 50)).toBeCloseTo(10, 9);
  });

  it("says nothing before two drops or without the battery's size", () => {
    expect(batteryWatts(readings.slice(0, 2), 50)).toBeNull();
    expect(batteryWatts(readings, null)).toBeNull();
    expect(batteryWatts([], 50)).toBeNull();
  });

  it("says nothing while the level does not fall", () => {
    expect(
      batteryWatts(
        readings.map((reading) => ({ ...reading, level: 1 })),
        50,
      ),
    ).toBeNull();
  });
});
