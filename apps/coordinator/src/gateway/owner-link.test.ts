import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { CUT_OFF_MS } from "./gateways.ts";
import { openOwnerLink } from "./owner-link.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
});

it("is lost when Redis has not answered for a while, and its connections can go elsewhere", async () => {
  let silentMs = 0;
  const lost: string[] = [];
  const link = openOwnerLink({
    mail: {
      send: () => {},
      read: () => ({ close() {} }),
      newestFence: async () => 1,
      silentMs: () => silentMs,
    },
    asked: async () => null,
    told: () => {},
    connected: async () => {},
    lost: (why) => lost.push(why),
    log: () => {},
  });
  await vi.waitFor(() => expect(link.isUp).toBe(true));
  silentMs = CUT_OFF_MS;
  vi.advanceTimersByTime(1_000);
  expect(link.isUp).toBe(true);
  silentMs = CUT_OFF_MS + 250;
  vi.advanceTimersByTime(1_000);
  expect([link.isUp, lost]).toEqual([false, ["Redis has not answered for 3 s"]]);
  link.close();
});
