import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { lockFolder } from "./folder-lock.ts";

let directory: string;
const children: ChildProcess[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "fedlodrop-lock-"));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await rm(directory, { recursive: true });
});
const holder = (change: object): Promise<void> =>
  writeFile(
    join(directory, "lock"),
    JSON.stringify({ pid: 1, host: hostname(), began: "", token: "x", ...change }),
  );

it("lets one writer in at a time", async () => {
  const first = await lockFolder(directory);
  await expect(lockFolder(directory)).rejects.toThrow(
    `run folder ${directory}: process ${process.pid} is writing there; choose another with --out`,
  );
  await first.release();
  await (await lockFolder(directory)).release();
  expect(await readdir(directory)).toEqual([]);
});

it("sees another process at work, and takes over when it is gone", async () => {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  children.push(child);
  await holder({ pid: child.pid });
  await expect(lockFolder(directory)).rejects.toThrow(`process ${child.pid} is writing there`);
  child.kill("SIGKILL");
  await once(child, "exit");
  await (await lockFolder(directory)).release();
});

it.each([
  ["a process whose number was given again", () => ({ pid: process.ppid, began: "another boot 1" })],
  ["this process's own number, which it does not hold", () => ({ pid: process.pid })],
])("takes over from %s", async (_, change) => {
  await holder(change());
  const lock = await lockFolder(directory);
  expect(JSON.parse(await readFile(join(directory, "lock"), "utf8")).pid).toBe(process.pid);
  await lock.release();
});

it("takes over a lock that cannot be read", async () => {
  await writeFile(join(directory, "lock"), "");
  await (await lockFolder(directory)).release();
});

it("does not judge another machine's processes", async () => {
  await holder({ host: "elsewhere", pid: 4 });
  await expect(lockFolder(directory)).rejects.toThrow("process 4 of elsewhere may be writing there");
});

it("lets exactly one of many in at once, over a stale lock", async () => {
  await holder({ pid: 2 ** 22 + 1 });
  const tries = await Promise.allSettled(Array.from({ length: 20 }, () => lockFolder(directory)));
  expect(tries.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  expect(await readdir(directory)).toEqual(["lock"]);
});
