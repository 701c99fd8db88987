import { expect, it } from "vitest";
import {
  batteryJoules,
  correctedProfile,
  energyBudgetJoules,
  energyProfiles,
  modelledJoules,
} from "./energy-profile.ts";

it("models joules from watts and states the spread", () => {
  const estimate = modelledJoules(energyProfiles.phone, 10, 2);
  expect(estimate).toEqual({ joules: 43, leastJoules: 21.5, mostJoules: 86, source: "modelled" });
  const own = correctedProfile(energyProfiles.phone, { computeWatts: 3 });
  expect(modelledJoules(own, 10, 2).joules).toBe(33);
  expect(own.radioWatts).toBe(energyProfiles.phone.radioWatts);
});

it("reads a battery only when it fell far enough to tell", () => {
  const at = (level: number, charging = false) => ({ level, charging });
  const estimate = batteryJoules(at(0.8), at(0.75), 10)!;
  expect(estimate.joules).toBeCloseTo(0.05 * 36000, 6);
  expect([estimate.leastJoules, estimate.mostJoules]).toEqual([
    expect.closeTo(1440, 6),
    expect.closeTo(2160, 6),
  ]);
  expect(batteryJoules(at(0.8), at(0.79), 10)).toBeNull();
  expect(batteryJoules(at(0.8), at(0.5, true), 10)).toBeNull();
});

it("has no limit on mains", () => {
  expect(energyBudgetJoules(null)).toBe(Number.POSITIVE_INFINITY);
  expect(energyBudgetJoules({ wattHours: 10, shareOfCapacity: 0.01 })).toBe(360);
});
