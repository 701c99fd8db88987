/** The browser's storage, or one that keeps nothing where the browser allows none. */

export type StorageLike = Pick<Storage, "getItem" | "setItem">;
export const FORGETFUL: StorageLike = { getItem: () => null, setItem: () => {} };

/** Blocked cookies and sandboxed frames throw already when they are asked for the storage; a full one, when written to. */
export function orForgetful(storage: () => StorageLike): StorageLike {
  const trying = <T>(work: (known: StorageLike) => T, otherwise: T): T => {
    try {
      return work(storage());
    } catch {
      return otherwise;
    }
  };
  return {
    getItem: (key) => trying((known) => known.getItem(key), null),
    setItem: (key, value) => trying((known) => known.setItem(key, value), undefined),
  };
}

/** Of this tab. */
export const tabStorage = (): StorageLike => orForgetful(() => sessionStorage);
/** Of all the browser's tabs. */
export const browserStorage = (): StorageLike => orForgetful(() => localStorage);
