/**
 * Where a device keeps what it must not forget with its tab: in a browser IndexedDB, which workers have over plain http, too. By
 * the session token, which a tab that reloads has again.
 */

export interface Ledger {
  /** What is kept under the token; undefined where nothing is. Rejects where that cannot be told. */
  read(token: string): Promise<unknown>;
  /** Puts what `change` makes of it in its place, as one step for all tabs. Resolves when it is kept for good. */
  update(token: string, change: (kept: unknown) => object): Promise<void>;
}

const DATABASE = "fedlodrop";
const STORE = "accounts";
/** A browser that does not answer must not keep a device waiting for ever. */
const PATIENCE_SECONDS = 10;

/** Null in Node, and in browsers that have no such thing. */
export function openLedger(
  factory: IDBFactory | undefined = globalThis.indexedDB,
  patienceSeconds = PATIENCE_SECONDS,
): Ledger | null {
  if (factory === undefined) return null;
  const inTime = <T>(work: Promise<T>): Promise<T> => Promise.race([work, tooLate(patienceSeconds)]);
  return {
    read: (token) => inTime(inStore(factory, "readonly", (store) => done(store.get(token)))),
    update: (token, change) =>
      inTime(
        inStore(factory, "readwrite", async (store) => {
          await done(store.put(change(await done(store.get(token))), token));
        }),
      ),
  };
}

/** Over a connection of its own: one that is held for long may be lost without a word. */
async function inStore<T>(
  factory: IDBFactory,
  mode: IDBTransactionMode,
  work: (store: IDBObjectStore) => Promise<T>,
): Promise<T> {
  const opening = factory.open(DATABASE, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  const database = await done(opening);
  try {
    const transaction = database.transaction(STORE, mode, { durability: "strict" });
    // A request that has succeeded may still be undone until then.
    const end = ended(transaction);
    const [result] = await Promise.all([work(transaction.objectStore(STORE)), end]);
    return result;
  } finally {
    database.close();
  }
}

function ended(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function tooLate(seconds: number): Promise<never> {
  return new Promise((_, reject) =>
    setTimeout(() => reject(new Error(`IndexedDB: no answer for ${seconds} s`)), seconds * 1000),
  );
}
