/**
 * A disk in memory that can be cut off at any operation, can lose what was never synced, and can be full. It knows that
 * a file's content and its name in a folder are synced apart.
 */
import { dirname } from "node:path";
import type { Disk, DiskFile } from "./disk.ts";

interface Content {
  bytes: Uint8Array;
  synced: Uint8Array;
}

export class Killed extends Error {}

export interface MemoryDisk extends Disk {
  /** Operations so far. */
  readonly operations: number;
  /** What a restart finds: after a kill everything that was written, after a power cut what was synced. */
  after(end: "kill" | "power cut"): MemoryDisk;
  /** Paths and their bytes, to damage and to look at. */
  readonly files: Map<string, Content>;
  /** Bytes that fit on it. */
  capacity: number;
  /** Every operation that writes fails with this code from now on, or none does. */
  fault: string | null;
}

/** @param lastOperation the one that is cut off: an append leaves half of its bytes. */
export function createMemoryDisk(
  lastOperation = Number.POSITIVE_INFINITY,
  names = new Map<string, Content>(),
): MemoryDisk {
  const files = new Map(names);
  const syncedNames = new Map(names);
  let operations = 0;

  /** False for the operation that is cut off. */
  function begin(): boolean {
    operations += 1;
    if (operations > lastOperation) throw new Killed();
    return operations < lastOperation;
  }
  const failed = (code: string): Error => Object.assign(new Error(`${code}: the disk says no`), { code });
  function write(): boolean {
    if (disk.fault !== null) throw failed(disk.fault);
    return begin();
  }
  function change(work: () => void): void {
    if (!write()) throw new Killed();
    work();
  }
  const found = (path: string): Content => {
    const content = files.get(path);
    if (content === undefined) throw failed("ENOENT");
    return content;
  };
  const used = (): number => [...files.values()].reduce((sum, { bytes }) => sum + bytes.byteLength, 0);

  const openContent = (content: Content): DiskFile => ({
    get size() {
      return content.bytes.byteLength;
    },
    async append(bytes) {
      const whole = write();
      const room = disk.capacity - used();
      const taken = bytes.subarray(0, Math.min(whole ? bytes.byteLength : bytes.byteLength >> 1, room));
      content.bytes = Uint8Array.from([...content.bytes, ...taken]);
      if (!whole) throw new Killed();
      if (taken.byteLength < bytes.byteLength) throw failed("ENOSPC");
    },
    async truncate(size) {
      if (size === content.bytes.byteLength) return;
      // A full disk still lets go of bytes.
      if (!begin()) throw new Killed();
      content.bytes = content.bytes.slice(0, size);
    },
    async sync() {
      change(() => {
        content.synced = content.bytes;
      });
    },
    isLinked: async () => [...files.values()].includes(content),
    close: async () => {},
  });

  const disk: MemoryDisk = {
    files,
    capacity: Number.POSITIVE_INFINITY,
    fault: null,
    get operations() {
      return operations;
    },
    after(end) {
      const survivors = [...(end === "kill" ? files : syncedNames)].map(
        ([path, { bytes, synced }]): [string, Content] => {
          const left = end === "kill" ? bytes : synced;
          return [path, { bytes: left, synced: left }];
        },
      );
      return createMemoryDisk(Number.POSITIVE_INFINITY, new Map(survivors));
    },
    async makeDirectory() {},
    list: async (directory) =>
      [...files.keys()]
        .filter((path) => dirname(path) === directory)
        .map((path) => path.slice(directory.length + 1)),
    async openFile(path) {
      const there = files.get(path);
      if (there !== undefined) return openContent(there);
      const content: Content = { bytes: new Uint8Array(0), synced: new Uint8Array(0) };
      change(() => files.set(path, content));
      return openContent(content);
    },
    read: async (path) => found(path).bytes,
    async *readChunks(path) {
      const { bytes } = found(path);
      for (let at = 0; at < bytes.byteLength; at += 1000) yield bytes.subarray(at, at + 1000);
    },
    async rename(from, to) {
      const content = found(from);
      change(() => {
        files.delete(from);
        files.set(to, content);
      });
    },
    async remove(path) {
      if (!files.has(path)) return;
      if (!begin()) throw new Killed();
      files.delete(path);
    },
    async syncDirectory(directory) {
      change(() => {
        for (const path of syncedNames.keys()) if (dirname(path) === directory) syncedNames.delete(path);
        for (const [path, content] of files) if (dirname(path) === directory) syncedNames.set(path, content);
      });
    },
    modifiedAt: async () => new Date(0),
  };
  return disk;
}
