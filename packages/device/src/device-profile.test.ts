import { describe, expect, it } from "vitest";
import { deviceKind, energyProfile } from "./device-profile.ts";

describe("device profile", () => {
  it.each([
    [{ mobile: true, gpu: "qualcomm adreno-7xx" }, "phone"],
    [{ mobile: false, gpu: null }, "cpu"],
    [{ mobile: false, gpu: "NVIDIA GeForce RTX 4060" }, "discrete-gpu"],
    [{ mobile: false, gpu: "intel gen-12lp" }, "integrated-gpu"],
  ] as const)("%o is a %s", (facts, kind) => expect(deviceKind(facts)).toBe(kind));

  it("says whether the watts are typical or the user's", () => {
    expect(energyProfile("phone", {})).toEqual({
      kind: "phone",
      computeWatts: 4,
      radioWatts: 1.5,
      batteryWattHours: null,
      source: "modelled",
    });
    expect(energyProfile("phone", { computeWatts: 6, batteryWattHours: 15 })).toMatchObject({
      computeWatts: 6,
      batteryWattHours: 15,
      source: "user",
    });
  });
});
