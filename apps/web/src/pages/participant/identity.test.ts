import { describe, expect, it } from "vitest";
import { orForgetful } from "../../ui/browser-storage.ts";
import { claimToken, deviceSecret, type IdentityStore, keepToken } from "./identity.ts";

/** One browser; `open` gives a tab its store, as its session storage and the shared locks would. */
function fakeBrowser() {
  const shared = new Map<string, string>();
  const locks = new Map<string, object>();
  const storage = (map: Map<string, string>) => ({
    getItem: (key: string) => map.get(key) ?? null,
    setItem: (key: string, value: string) => void map.set(key, value),
  });
  return {
    /** @param isReload then a lock may be let go of up to ten seconds later */
    open(session = new Map<string, string>(), isReload = false) {
      const page = {};
      const store: IdentityStore = {
        isReload,
        tab: storage(session),
        browser: storage(shared),
        async claim(token, waitMilliseconds) {
          if (locks.has(token) && waitMilliseconds < 10_000) return locks.get(token) === page;
          locks.set(token, page);
          return true;
        },
      };
      const close = () => {
        for (const [token, holder] of locks) if (holder === page) locks.delete(token);
      };
      return { store, session, close };
    },
  };
}

describe("identity", () => {
  it("starts without a token", async () => {
    expect(await claimToken(fakeBrowser().open().store)).toBeNull();
  });

  it("survives a reload", async () => {
    const browser = fakeBrowser();
    const tab = browser.open();
    await keepToken(tab.store, "a", null);
    tab.close();
    expect(await claimToken(browser.open(tab.session).store)).toBe("a");
  });

  it("survives a reload whose earlier page is slow to let go", async () => {
    const browser = fakeBrowser();
    const tab = browser.open();
    await keepToken(tab.store, "a", null);
    expect(await claimToken(browser.open(tab.session, true).store)).toBe("a");
  });

  it("makes two open tabs two devices", async () => {
    const browser = fakeBrowser();
    await keepToken(browser.open().store, "a", null);
    expect(await claimToken(browser.open().store)).toBeNull();
  });

  it("makes a duplicated tab, which has a copy of the session, another device", async () => {
    const browser = fakeBrowser();
    const tab = browser.open();
    await keepToken(tab.store, "a", null);
    expect(await claimToken(browser.open(new Map(tab.session)).store)).toBeNull();
  });

  it("gives a closed tab's identity to the next one", async () => {
    const browser = fakeBrowser();
    const tab = browser.open();
    await keepToken(tab.store, "a", null);
    await keepToken(browser.open().store, "b", null);
    tab.close();
    expect(await claimToken(browser.open().store)).toBe("a");
  });

  it("forgets a token that the coordinator replaced", async () => {
    const browser = fakeBrowser();
    const tab = browser.open();
    await keepToken(tab.store, "old", null);
    await keepToken(tab.store, "new", "old");
    tab.close();
    expect(await claimToken(browser.open().store)).toBe("new");
    expect(await claimToken(browser.open().store)).toBeNull();
  });
});

describe("storage that is damaged or forbidden", () => {
  const damaged = (text: string): IdentityStore => {
    const kept = new Map([["fedlodrop.tokens", text]]);
    const storage = {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
    };
    return {
      tab: { getItem: () => null, setItem: () => {} },
      browser: storage,
      isReload: false,
      claim: async () => true,
    };
  };

  it.each(["oops", "{", "7", '{"a":1}', "[7, null]", ""])(
    "%j is no identity, and is written over",
    async (text) => {
      const store = damaged(text);
      expect(await claimToken(store)).toBeNull();
      await keepToken(store, "fresh", null);
      expect(await claimToken(store)).toBe("fresh");
    },
  );

  it("keeps nothing where the browser throws, and throws nothing", () => {
    const blocked = orForgetful(() => {
      throw new DOMException("access is denied", "SecurityError");
    });
    expect(blocked.getItem("a")).toBeNull();
    expect(() => blocked.setItem("a", "b")).not.toThrow();
    const full = orForgetful(() => ({
      getItem: () => "kept",
      setItem() {
        throw new DOMException("full", "QuotaExceededError");
      },
    }));
    expect(() => full.setItem("a", "b")).not.toThrow();
    expect(full.getItem("a")).toBe("kept");
  });
});

describe("a device's secret", () => {
  it("is the same after a reload, in other tabs of the browser, and nobody else's", () => {
    const browser = fakeBrowser();
    const first = browser.open();
    const secret = deviceSecret(first.store);
    expect(secret).toMatch(/^[0-9a-f]{64}$/);
    expect(deviceSecret(browser.open(first.session).store)).toBe(secret);
    expect(deviceSecret(browser.open().store)).toBe(secret);
    expect(deviceSecret(fakeBrowser().open().store)).not.toBe(secret);
  });

  it("is none where the browser keeps nothing", () => {
    const blocked = orForgetful(() => {
      throw new Error("blocked");
    });
    expect(deviceSecret({ tab: blocked, browser: blocked })).toBeNull();
  });
});
