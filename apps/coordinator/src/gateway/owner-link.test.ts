import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { CUT_OFF_MS } from "./gateways.ts";
import { LineBroken } from "./line.ts";
import { askUntilAnswered, openOwnerLink } from "./owner-link.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
});

it("is lost when Redis has not answered for a while, and its connections can go elsewhere", async () => {
  let silentMs = 0;
  const lost: string[] = [];
  let forgotten = 0;
  const link = openOwnerLink({
    mail: {
      send: () => {},
      read: () => ({ close() {} }),
      newestFence: async () => 1,
      silentMs: () => silentMs,
      forget() {
        forgotten += 1;
      },
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
  expect([link.isUp, lost, forgotten]).toEqual([false, ["Redis has not answered for 2 s"], 1]);
  link.close();
});

it("asks the next owner what the one before has not answered, but takes an answer for one", async () => {
  const answers = [new LineBroken("gone"), new LineBroken("gone"), null];
  const link = {
    async ask() {
      const answer = answers.shift();
      if (answer) throw answer;
      return "terms";
    },
  };
  expect(await askUntilAnswered(link, { kind: "round", round: 3 })).toBe("terms");
  answers.push(new Error("no such round") as LineBroken);
  await expect(askUntilAnswered(link, { kind: "round", round: 3 })).rejects.toThrow("no such round");
});
