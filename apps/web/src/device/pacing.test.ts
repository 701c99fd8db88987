import { describe, expect, it } from "vitest";
import { chunkBytes, LARGEST_CHUNK_BYTES, pauseSeconds, sleep } from "./pacing.ts";

describe("pacing", () => {
  it("sends as fast as the link goes without a rate", () => {
    expect(chunkBytes(null)).toBe(LARGEST_CHUNK_BYTES);
    expect(pauseSeconds(1e9, null, 0)).toBe(0);
  });

  it("cuts chunks of a tenth of a second, within limits", () => {
    expect(chunkBytes(100_000)).toBe(10_000);
    expect(chunkBytes(100)).toBe(1024);
    expect(chunkBytes(1e9)).toBe(LARGEST_CHUNK_BYTES);
  });

  it("waits exactly until the rate allows what was sent", () => {
    expect(pauseSeconds(1000, 500, 0.5)).toBeCloseTo(1.5, 12);
    expect(pauseSeconds(1000, 500, 3)).toBe(0);
  });

  it("never exceeds the rate on a link of any speed, and loses no time on a slower one", () => {
    for (const linkRate of [20_000, 100_000, 5e6]) {
      const rate = 50_000;
      const total = 147_472;
      let clock = 0;
      for (let sent = 0; sent < total; ) {
        const chunk = Math.min(chunkBytes(rate), total - sent);
        sent += chunk;
        clock += chunk / linkRate;
        clock += pauseSeconds(sent, rate, clock);
        expect(sent / clock).toBeLessThanOrEqual(rate * (1 + 1e-9));
      }
      expect(clock).toBeCloseTo(total / Math.min(rate, linkRate), 9);
    }
  });

  it("stops sleeping when aborted", async () => {
    const abort = new AbortController();
    const sleeping = sleep(60, abort.signal);
    abort.abort(new Error("the deadline passed"));
    await expect(sleeping).rejects.toThrow("the deadline passed");
    await expect(sleep(0, abort.signal)).rejects.toThrow("the deadline passed");
  });
});
