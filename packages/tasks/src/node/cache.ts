/** Cleaned texts on disk, so that a package is fetched and cleaned once. Names carry versions; files never change. */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";

/** FEDLODROP_CACHE, else the user's cache folder. */
export function defaultCacheDirectory(): string {
  return (
    process.env.FEDLODROP_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "fedlodrop")
  );
}

/** The cached value, or a made one that is then cached. A damaged file is made again. */
export async function cached<T>(file: string, make: () => Promise<T>): Promise<T> {
  const known = await readFile(file).then(
    (bytes) => parse<T>(bytes),
    () => undefined,
  );
  if (known !== undefined) return known;

  const value = await make();
  await mkdir(dirname(file), { recursive: true });
  // Renaming is atomic: a process that is killed, or a second one, never leaves half a file under the real name.
  const partial = `${file}.${process.pid}.partial`;
  await writeFile(partial, gzipSync(JSON.stringify(value)));
  await rename(partial, file);
  return value;
}

/** gzip's checksum guards the content. */
function parse<T>(bytes: Uint8Array): T | undefined {
  try {
    return JSON.parse(gunzipSync(bytes).toString("utf8")) as T;
  } catch {
    return undefined;
  }
}
