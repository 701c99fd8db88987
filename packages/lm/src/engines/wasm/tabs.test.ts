/** Cores shared among tabs, with locks as a browser keeps them. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { nodeHost } from "./node-host.ts";
import { openWasmEngine } from "./open.ts";
import { joinTabs, type Tabs } from "./tabs.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Shared locks of one origin: as many holders as ask. */
function openLocks(): LockManager {
  const held: { name: string }[] = [];
  const locks = {
    async request(name: string, _options: LockOptions, work: () => Promise<void>) {
      const lock = { name };
      held.push(lock);
      await work();
      held.splice(held.indexOf(lock), 1);
    },
    query: async () => ({ held: [...held, { name: "another's" }], pending: [] }),
  };
  return locks as unknown as LockManager;
}

/** What a tab says after it has had the time to look about. */
async function later(tab: Tabs): Promise<boolean> {
  await vi.advanceTimersByTimeAsync(2_001);
  void tab.isCrowded;
  await vi.advanceTimersByTimeAsync(1);
  return tab.isCrowded;
}

test("tabs notice one another as they come and go", async () => {
  const locks = openLocks();
  const first = await joinTabs(locks, 2);
  expect(first.isCrowded).toBe(false);
  const second = await joinTabs(locks, 2);
  expect(second.isCrowded).toBe(true);
  expect(first.isCrowded).toBe(false); // not yet
  expect(await later(first)).toBe(true);
  second.leave();
  expect(await later(first)).toBe(false);
});

test.each([
  // cores, threads that each next tab opens with, tabs from which on each works alone
  [1, [1, 1, 1], 2],
  [2, [2, 2, 2], 2],
  [4, [4, 2, 2], 3],
  [8, [8, 4, 2, 2, 2], 5],
])("on %i cores tabs open with %j threads, and work alone from %i tabs on", async (cores, shares, from) => {
  const locks = openLocks();
  for (const [before, share] of shares.entries()) {
    const tab = await joinTabs(locks, cores);
    expect(tab.fairShare).toBe(share);
    expect(tab.isCrowded).toBe(before + 1 >= from);
  }
});

test("an engine whose threads do not start leaves again", async () => {
  const tabs = { fairShare: 2, isCrowded: false, leave: vi.fn() };
  const startHelper = () => Promise.reject(new Error("no worker"));
  const opening = openWasmEngine({ ...nodeHost(2), startHelper, joinTabs: async () => tabs });
  await expect(opening).rejects.toThrow("no worker");
  expect(tabs.leave).toHaveBeenCalledOnce();
});
