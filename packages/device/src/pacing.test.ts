import { describe, expect, it } from "vitest";
import { pauseSeconds, sleep } from "./pacing.ts";

describe("pacing", () => {
  it("sends as fast as the link goes without a rate", () => {
    expect(pauseSeconds(1e9, null, 0)).toBe(0);
  });

  it("waits exactly until the rate allows what was sent", () => {
    expect(pauseSeconds(1000, 500, 0.5)).toBeCloseTo(1.5, 12);
    expect(pauseSeconds(1000, 500, 3)).toBe(0);
  });

  it("stops sleeping when aborted", async () => {
    const abort = new AbortController();
    const sleeping = sleep(60, abort.signal);
    abort.abort(new Error("the deadline passed"));
    await expect(sleeping).rejects.toThrow("the deadline passed");
    await expect(sleep(0, abort.signal)).rejects.toThrow("the deadline passed");
  });
});
