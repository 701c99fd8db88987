/**
 * Keeps a participant's identity over a reload, while several tabs of one browser stay several devices. A tab's own
 * token lies in its session storage; all tokens of this browser lie in local storage, and a web lock marks those in
 * use. So a reloaded tab gets its own back, a duplicated tab (which copies session storage) does not get its
 * sibling's, and a tab opened after another was closed takes over the free identity.
 */

import { browserStorage, FORGETFUL, tabStorage } from "../../ui/browser-storage.ts";

/** Storage and locks of the browser; tests bring their own. */
export interface IdentityStore {
  /** This tab's token, which survives a reload. */
  readonly tab: Pick<Storage, "getItem" | "setItem">;
  /** Shared by the browser's tabs. */
  readonly browser: Pick<Storage, "getItem" | "setItem">;
  /** Whether this page is a tab's own again, so that nobody else can have its session storage. */
  readonly isReload: boolean;
  /** Takes the lock for as long as the page lives; false when another tab holds it after `waitMilliseconds`. */
  claim(token: string, waitMilliseconds: number): Promise<boolean>;
}

const KEY = "fedlodrop.tokens";
const LARGEST_LIST = 16;
/** A page lets go of its locks a moment after its successor has started: on a device that is busy, seconds. */
const RELOAD_MILLISECONDS = 15_000;
/** A duplicate waits in vain for its sibling's: no longer than a person notices. */
const SIBLING_MILLISECONDS = 500;

/** A token to join with, or null for a new identity. */
export async function claimToken(store: IdentityStore): Promise<string | null> {
  const own = store.tab.getItem(KEY);
  const wait = store.isReload ? RELOAD_MILLISECONDS : SIBLING_MILLISECONDS;
  if (own !== null && (await store.claim(own, wait))) return own;
  for (const token of readTokens(store)) if (token !== own && (await store.claim(token, 0))) return token;
  return null;
}

/** Remembers the token that the coordinator gave; `used` is the one joined with, which it may have refused to know. */
export async function keepToken(store: IdentityStore, token: string, used: string | null): Promise<void> {
  store.tab.setItem(KEY, token);
  const others = readTokens(store).filter((known) => known !== token && known !== used);
  store.browser.setItem(KEY, JSON.stringify([token, ...others].slice(0, LARGEST_LIST)));
  if (token !== used) await store.claim(token, 0);
}

const SECRET_KEY = "fedlodrop.secret";

/**
 * What other devices know this one by comes of it, so that it is the same after a reload; it never leaves the browser. Null
 * where nothing is kept: then every visit is another device to them.
 */
export function deviceSecret({ tab, browser }: Pick<IdentityStore, "tab" | "browser">): string | null {
  const secret = tab.getItem(SECRET_KEY) ?? browser.getItem(SECRET_KEY) ?? freshSecret();
  for (const storage of [tab, browser]) storage.setItem(SECRET_KEY, secret);
  return tab.getItem(SECRET_KEY);
}

const freshSecret = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(32)), (byte) => byte.toString(16).padStart(2, "0")).join(
    "",
  );

/** What is damaged is as good as not there. */
function readTokens(store: IdentityStore): readonly string[] {
  try {
    const stored: unknown = JSON.parse(store.browser.getItem(KEY) ?? "[]");
    return Array.isArray(stored) ? stored.filter((item) => typeof item === "string") : [];
  } catch {
    return [];
  }
}

/** The real one. Over plain http (another machine's address) browsers offer no locks: then a tab has only its own. */
export function browserIdentityStore(): IdentityStore {
  return {
    tab: tabStorage(),
    browser: navigator.locks ? browserStorage() : FORGETFUL,
    isReload: performance
      .getEntriesByType("navigation")
      .some((entry) => (entry as PerformanceNavigationTiming).type === "reload"),
    claim: (token, waitMilliseconds) =>
      navigator.locks ? holdLock(`fedlodrop:${token}`, waitMilliseconds) : Promise.resolve(true),
  };
}

function holdLock(name: string, waitMilliseconds: number): Promise<boolean> {
  const options =
    waitMilliseconds > 0 ? { signal: AbortSignal.timeout(waitMilliseconds) } : { ifAvailable: true };
  return new Promise((resolve) => {
    const untilPageCloses = new Promise<never>(() => {});
    navigator.locks
      .request(name, options, (lock) => {
        resolve(lock !== null);
        return lock && untilPageCloses;
      })
      .catch(() => resolve(false)); // timed out
  });
}
