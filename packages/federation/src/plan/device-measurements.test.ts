import { DEFAULT_RUN_CONFIG } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { fitCompute, linkRate, measureDevice } from "./device-measurements.ts";
import { own, participant, record } from "./plan.fixture.ts";

describe("what a device's rounds tell", () => {
  it("fits seconds to t0 + t1·s, neither negative", () => {
    const at = (keepRate: number, seconds: number, weight = 1) => ({ keepRate, seconds, weight });
    const exact = fitCompute([at(0.2, 2.2), at(0.5, 2.5), at(1, 3)], 9);
    expect(exact.fixed).toBeCloseTo(2, 12);
    expect(exact.perKeepRate).toBeCloseTo(1, 12);
    expect(fitCompute([at(0.2, 3), at(0.8, 2)], 9)).toEqual({ fixed: 2.5, perKeepRate: 0 });
    expect(fitCompute([at(0.5, 1), at(1, 4)], 9)).toEqual({ fixed: 0.625, perKeepRate: 2.5 });
    expect(fitCompute([at(0.4, 2), at(0.41, 8)], 9)).toEqual({ fixed: 5, perKeepRate: 0 });
    expect(fitCompute([], 9)).toEqual({ fixed: 9, perKeepRate: 0 });
    expect(fitCompute([at(0.5, 2, 1), at(0.5, 8, 3)], 9)).toEqual({ fixed: 6.5, perKeepRate: 0 });
  });

  it("takes the harmonic mean of readings, and of other transfers only what they show", () => {
    const at = (bytes: number, seconds: number, reading: number | null) => ({
      ...{ bytes, seconds, reading },
      roundSeconds: 100,
    });
    expect(linkRate([at(100, 1.5, 100), at(200, 1.5, 200)])).toBeCloseTo(2 / (1 / 100 + 1 / 200), 9);
    expect(linkRate([])).toBe(1e6);
    // Slower than the link, for whatever reason: the readings stand.
    expect(linkRate([at(900, 1, 900), at(100, 1, null), at(3, 1, null)])).toBeCloseTo(900, 9);
    // Faster than ever read; but a later reading is the later truth.
    expect(linkRate([at(900, 1, 900), at(5000, 1, null)])).toBeCloseTo(5000, 9);
    expect(linkRate([at(5000, 1, null), at(900, 1, 900)])).toBeCloseTo(900, 9);
    // A device that calls its link slower than what it has just sent.
    expect(linkRate([at(1000, 1, 1e-6)])).toBeCloseTo(10, 9);
  });

  it("lifts the pace for a round when the last reading of the link is old", () => {
    const paced = {
      uploadBytesPerSecond: 5e5,
      uploadLimitedBy: "sender",
      uplinkBytesPerSecond: null,
    } as const;
    const measured = (pacedRounds: number) =>
      measureDevice(
        participant("p1"),
        DEFAULT_RUN_CONFIG,
        pacedRounds + 2,
        Array.from({ length: pacedRounds + 1 }, (_, i) => record(i + 1, [own("p1", i === 0 ? {} : paced)])),
      );
    expect(measured(7)).toMatchObject({ uploadMeasured: true, uploadBytesPerSecond: 1e6 });
    // What it was read to be is still believed.
    expect(measured(8)).toMatchObject({ uploadMeasured: false, uploadBytesPerSecond: 1e6 });
  });
});
