/**
 * Where a device keeps a model's parts from visit to visit: in a browser the Origin Private File System, a folder for each
 * model's version and in it a file for each part, named by its hash. Nothing that lies there is believed unread.
 */

export interface PartStore {
  /** The part as it lies here; null when it does not. */
  read(digest: string): Promise<Uint8Array | null>;
  /** Keeps a part, for which older models may have to go; false where there is no room for it. */
  write(digest: string, bytes: Uint8Array): Promise<boolean>;
  /** Which parts lie here. */
  list(): Promise<ReadonlySet<string>>;
}

/** Keeps nothing: without https there is no private file system, and in Node none at all. */
const NO_STORE: PartStore = {
  read: async () => null,
  write: async () => false,
  list: async () => new Set(),
};

const FOLDER = "fedlodrop-models";

/** @param version of the model; what is kept of others goes when the browser's room is used up */
export async function openPartStore(version: string): Promise<PartStore> {
  const storage = (globalThis.navigator as { readonly storage?: StorageManager } | undefined)?.storage;
  if (storage?.getDirectory === undefined) return NO_STORE;
  try {
    const root = await storage.getDirectory();
    const models = await root.getDirectoryHandle(FOLDER, { create: true });
    return await inFolder(models, version);
  } catch {
    // Private windows of some browsers have the interface, and refuse.
    return NO_STORE;
  }
}

async function inFolder(models: FileSystemDirectoryHandle, version: string): Promise<PartStore> {
  const own = await models.getDirectoryHandle(version, { create: true });
  let isFull = false;
  return {
    read: (digest) => readFile(own, digest),
    async list() {
      return new Set(await namesIn(own));
    },
    async write(digest, bytes) {
      while (!isFull)
        try {
          await writeFile(own, digest, bytes);
          return true;
        } catch (error) {
          await own.removeEntry(digest).catch(() => {});
          const { name } = error as DOMException;
          // Another tab has the file open: it keeps the part for both.
          if (name === "NoModificationAllowedError") return true;
          isFull = name !== "QuotaExceededError" || !(await removeAnother(models, version));
        }
      return false;
    },
  };
}

async function readFile(folder: FileSystemDirectoryHandle, name: string): Promise<Uint8Array | null> {
  try {
    const file = await (await folder.getFileHandle(name)).getFile();
    return new Uint8Array(await file.arrayBuffer());
  } catch {
    return null;
  }
}

interface SyncAccess {
  createSyncAccessHandle(): Promise<{
    truncate(size: number): void;
    write(bytes: Uint8Array, options: { readonly at: number }): number;
    flush(): void;
    close(): void;
  }>;
}

async function writeFile(folder: FileSystemDirectoryHandle, name: string, bytes: Uint8Array): Promise<void> {
  const handle = await folder.getFileHandle(name, { create: true });
  // Older Safari has only this one, and only in workers, where a device lives; types of pages have it not.
  const access = await (handle as FileSystemFileHandle & SyncAccess).createSyncAccessHandle();
  try {
    access.truncate(0);
    if (access.write(bytes, { at: 0 }) !== bytes.byteLength)
      throw new DOMException("the part was not written whole", "QuotaExceededError");
    access.flush();
  } finally {
    access.close();
  }
}

/** One of the other models, to make room; false when there is none. */
async function removeAnother(models: FileSystemDirectoryHandle, version: string): Promise<boolean> {
  const [other] = (await namesIn(models)).filter((name) => name !== version);
  if (other === undefined) return false;
  return models.removeEntry(other, { recursive: true }).then(
    () => true,
    () => false,
  );
}

async function namesIn(folder: FileSystemDirectoryHandle): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const name of folder.keys()) names.push(name);
  return names;
}
