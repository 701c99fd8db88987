import { DEFAULT_RUN_CONFIG } from "@fedlodrop/run";
import { expect, it } from "vitest";
import { NO_QUOTAS, quotaProblem } from "./quota-problem.ts";

const config = { ...DEFAULT_RUN_CONFIG, rounds: 10, maxParticipants: 50, valueType: "f32" } as const;

it("lets a run begin that keeps to the quotas, and names the setting of one that does not", () => {
  // A header of 16 bytes and 1,000 values of 4, of 50 devices in 10 rounds.
  const bytes = 10 * 50 * (16 + 4 * 1000);
  expect(quotaProblem(config, 1000, NO_QUOTAS)).toBeNull();
  expect(quotaProblem(config, 1000, { runs: 1, devices: 50, bytes })).toBeNull();
  expect(quotaProblem(config, 1000, { ...NO_QUOTAS, devices: 49 })).toBe(
    "maxParticipants: the quota of a run here is 49 devices, got 50",
  );
  expect(quotaProblem(config, 1000, { ...NO_QUOTAS, bytes: bytes - 1 })).toMatch(
    /^rounds: the quota of a run here is 2007999 bytes of updates, got up to 2008000 \(10 rounds of 50 devices/,
  );
  const compared = { ...config, compareWith: { method: "fedlora", dropoutRate: 0 } } as const;
  expect(quotaProblem(compared, 1000, { ...NO_QUOTAS, bytes })).toMatch(/\(20 rounds/);
});
