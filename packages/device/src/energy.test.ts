import { describe, expect, it } from "vitest";
import { energyProfile } from "./device-profile.ts";
import { estimateEnergy } from "./energy.ts";

describe("estimateEnergy", () => {
  const phone = energyProfile("phone", {});

  it("models compute and radio apart", () => {
    const seconds = { compute: 10, processor: null, download: 0.5, upload: 1.5 };
    expect(estimateEnergy(phone, null, seconds, null)).toEqual({ joules: 43, source: "modelled" });
    // An emulated radio of 2 W: 40 + 0.75 + 3.
    expect(estimateEnergy(phone, null, seconds, 2).joules).toBe(43.75);
  });

  it("bills the time that a processor was at it, where that is known, and never more than the round took", () => {
    const seconds = { compute: 10, download: 0.5, upload: 1.5 };
    const billed = (processor: number) => estimateEnergy(phone, null, { ...seconds, processor }, null);
    expect(billed(6)).toEqual({ joules: 43 - 4 * 4, source: "processor" });
    expect(billed(11).joules).toBe(43);
  });

  it("prefers the battery's drain, which covers the whole time", () => {
    const seconds = { compute: 10, processor: null, download: 0.5, upload: 1.5 };
    expect(estimateEnergy(phone, 7, seconds, null)).toEqual({ joules: 84, source: "battery" });
  });
});
