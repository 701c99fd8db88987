import { describe, expect, it } from "vitest";
import { energyProfile } from "../device-profile.ts";
import { estimateEnergy } from "./energy.ts";

describe("estimateEnergy", () => {
  const phone = energyProfile("phone", {});

  it("models compute and radio apart", () => {
    expect(estimateEnergy(phone, null, { compute: 10, transfer: 2 })).toEqual({
      joules: 43,
      source: "modelled",
    });
  });

  it("prefers the battery's drain, which covers the whole time", () => {
    expect(estimateEnergy(phone, 7, { compute: 10, transfer: 2 })).toEqual({ joules: 84, source: "battery" });
  });
});
