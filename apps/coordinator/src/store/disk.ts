/**
 * The few things that a run folder does with a file system. A seam, so that tests can cut any one of them short, or lose
 * what was never synced.
 */
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";

export interface DiskFile {
  /** Bytes in the file. */
  readonly size: number;
  /** Adds all of `bytes` at the end, or throws; then some of them may be there. */
  append(bytes: Uint8Array): Promise<void>;
  truncate(size: number): Promise<void>;
  /** What was written survives a power cut. */
  sync(): Promise<void>;
  /** False once nobody can reach the file by a name any more. */
  isLinked(): Promise<boolean>;
  close(): Promise<void>;
}

export interface Disk {
  makeDirectory(path: string): Promise<void>;
  /** Names, or none when there is no such folder. */
  list(directory: string): Promise<readonly string[]>;
  /** Opens for appending; makes the file if there is none. */
  openFile(path: string): Promise<DiskFile>;
  read(path: string): Promise<Uint8Array>;
  readChunks(path: string): AsyncIterable<Uint8Array>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Names that were made, changed or removed in it survive a power cut. */
  syncDirectory(path: string): Promise<void>;
  modifiedAt(path: string): Promise<Date>;
}

/** Readable by its owner alone: a run folder holds the host key. */
const PRIVATE = 0o600;

export const nodeDisk: Disk = {
  async makeDirectory(path) {
    await mkdir(path, { recursive: true });
  },
  list: (directory) =>
    readdir(directory).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return [];
      throw error;
    }),
  async openFile(path) {
    const handle = await open(path, "a", PRIVATE);
    return nodeFile(handle, (await handle.stat()).size);
  },
  read: (path) => readFile(path),
  readChunks: (path) => createReadStream(path),
  rename,
  remove: (path) => rm(path, { force: true }),
  async syncDirectory(path) {
    // Windows has no such thing, and needs none: its renames are logged.
    if (process.platform === "win32") return;
    const handle = await open(path, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  modifiedAt: async (path) => (await stat(path)).mtime,
};

function nodeFile(handle: FileHandle, sizeAtFirst: number): DiskFile {
  let size = sizeAtFirst;
  return {
    get size() {
      return size;
    },
    async append(bytes) {
      // A full disk takes what fits, and says so at the next call.
      for (let done = 0; done < bytes.byteLength; ) {
        const { bytesWritten } = await handle.write(bytes, done);
        done += bytesWritten;
        size += bytesWritten;
      }
    },
    async truncate(to) {
      await handle.truncate(to);
      size = to;
    },
    sync: () => handle.datasync(),
    isLinked: async () => (await handle.stat()).nlink > 0,
    close: () => handle.close(),
  };
}
