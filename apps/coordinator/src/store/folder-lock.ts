/**
 * One folder, one writer: `lock` names the process that writes. The lock of a process that is gone is taken over. It is
 * made by linking a file that is complete, so that nobody reads half of one.
 */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { constants, copyFile, link, readFile, rm, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { z } from "zod";

const holderSchema = z.object({
  pid: z.int(),
  host: z.string(),
  /** When the process began, as its system counts; a number of a process is given again. */
  began: z.string(),
  /** Different for each lock, so that nobody removes another's. */
  token: z.string(),
});
type Holder = z.infer<typeof holderSchema>;

export interface FolderLock {
  release(): Promise<void>;
}

const LOCK_FILE = "lock";

/** Tokens of the locks that this process holds. */
const held = new Set<string>();

/** What a folder is called when somebody else writes there, and what may be done about it. */
interface FolderWords {
  readonly folder: string;
  readonly advice: string;
}

const RUN: FolderWords = { folder: "run folder", advice: "choose another with --out" };

/** Throws in one line when another process writes here. */
export async function lockFolder(directory: string, words = RUN): Promise<FolderLock> {
  const name = `${words.folder} ${directory}`;
  const path = join(directory, LOCK_FILE);
  const token = randomBytes(9).toString("base64url");
  const mine: Holder = { pid: process.pid, host: hostname(), began: beginningOf(process.pid) ?? "", token };
  const draft = `${path}.${token}`;
  await writeFile(draft, JSON.stringify(mine), { mode: 0o600 });
  try {
    for (let tries = 0; ; tries++) {
      if (await tryLink(draft, path)) break;
      const holder = await readHolder(path);
      if (holder !== null && isWriting(holder))
        throw new Error(
          holder.host === mine.host
            ? `${name}: process ${holder.pid} is writing there; ${words.advice}`
            : `${name}: process ${holder.pid} of ${holder.host} may be writing there; if it is gone, remove ${path}`,
        );
      if (tries > 10_000) throw new Error(`${name}: its lock changes too often`);
      await removeStale(path, draft, holder);
    }
  } finally {
    await rm(draft, { force: true });
  }
  held.add(token);
  return {
    async release() {
      held.delete(token);
      if ((await readHolder(path))?.token === token) await rm(path, { force: true });
    },
  };
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    // Not every file system has links.
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "ENOSYS") throw error;
  }
  try {
    await copyFile(from, to, constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Null for a lock that is gone or that cannot be read: nothing that holds one writes half of it. */
async function readHolder(path: string): Promise<Holder | null> {
  try {
    return holderSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch {
    return null;
  }
}

/** By one process at a time, which looks again first: another one may have taken over since the lock was judged. */
async function removeStale(path: string, draft: string, judged: Holder | null): Promise<void> {
  const turn = `${path}.turn`;
  if (await tryLink(draft, turn)) {
    try {
      if ((await readHolder(path))?.token === judged?.token) await rm(path, { force: true });
    } finally {
      await rm(turn, { force: true });
    }
    return;
  }
  // It takes a moment, unless a kill came in between.
  const since = await stat(turn).then(
    ({ ctimeMs }) => Date.now() - ctimeMs,
    () => 0,
  );
  if (since > LONGEST_TURN_MS) await rm(turn, { force: true });
  else await setTimeout(5);
}

const LONGEST_TURN_MS = 10_000;

function isWriting({ pid, host, began, token }: Holder): boolean {
  if (held.has(token)) return true;
  if (host !== hostname()) return true;
  // In a container every first process may be number 1: what this process does not hold was an earlier one's.
  if (pid === process.pid || !isAlive(pid)) return false;
  const now = beginningOf(pid);
  return now === null || began === "" || now === began;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Of Linux only: boot and clock ticks since then. Null where there is no such thing. */
function beginningOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    // The name of the process, in brackets, may hold blanks.
    return `${boot} ${stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]}`;
  } catch {
    return null;
  }
}
