/** A disk in memory whose process dies at an operation: what is being done then, and whatever comes after it, never ends. */
import type { Disk, DiskFile } from "./disk.ts";
import { createMemoryDisk, Killed, type MemoryDisk } from "./memory-disk.fixture.ts";

export interface DyingDisk {
  readonly disk: Disk;
  readonly memory: MemoryDisk;
  /** Resolves at the moment of death. */
  readonly dead: Promise<"dead">;
}

/** @param found what is on it, left by an earlier life */
export function createDyingDisk(lastOperation: number, found?: MemoryDisk): DyingDisk {
  const memory = createMemoryDisk(lastOperation, found?.files);
  let die = (_: "dead"): void => {};
  const dead = new Promise<"dead">((resolve) => {
    die = resolve;
  });
  const forEver = new Promise<never>(() => {});
  const mortal = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      die("dead");
      return forEver;
    }
  };
  const mortalFile = (file: DiskFile): DiskFile => ({
    get size() {
      return file.size;
    },
    append: (bytes) => mortal(() => file.append(bytes)),
    truncate: (size) => mortal(() => file.truncate(size)),
    sync: () => mortal(() => file.sync()),
    isLinked: file.isLinked,
    close: file.close,
  });
  return {
    memory,
    dead,
    disk: {
      ...memory,
      openFile: async (path) => mortalFile(await mortal(() => memory.openFile(path))),
      rename: (from, to) => mortal(() => memory.rename(from, to)),
      remove: (path) => mortal(() => memory.remove(path)),
      syncDirectory: (path) => mortal(() => memory.syncDirectory(path)),
    },
  };
}
