/**
 * Where a device keeps what it must not forget with its tab: in a browser IndexedDB, which workers have over plain http, too. By
 * the session token, which a tab that reloads has again.
 */

export interface Ledger {
  /** What was written under the token last; undefined where nothing was, or nothing is kept. */
  read(token: string): Promise<unknown>;
  /** Resolves when it is kept for good; where nothing can be kept, at once. */
  write(token: string, entry: object): Promise<void>;
}

/** In Node, and where the browser keeps nothing. */
const FORGETFUL: Ledger = { read: async () => undefined, write: async () => {} };

const DATABASE = "fedlodrop";
const STORE = "accounts";

export function openLedger(factory: IDBFactory | undefined = globalThis.indexedDB): Ledger {
  if (factory === undefined) return FORGETFUL;
  const opened = openDatabase(factory);
  // Whoever reads or writes hears of it.
  opened.catch(() => {});
  // Private windows of some browsers have the interface, and refuse; a full disk refuses to write.
  return {
    read: (token) =>
      opened
        .then((database) => done(database.transaction(STORE).objectStore(STORE).get(token)))
        .catch(() => undefined),
    write: (token, entry) => opened.then((database) => written(database, token, entry)).catch(() => {}),
  };
}

async function openDatabase(factory: IDBFactory): Promise<IDBDatabase> {
  const request = factory.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  return done(request);
}

/** By the transaction's end: a request that has succeeded may still be undone. */
function written(database: IDBDatabase, token: string, entry: object): Promise<void> {
  const transaction = database.transaction(STORE, "readwrite");
  transaction.objectStore(STORE).put(entry, token);
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
