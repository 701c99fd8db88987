/** A folder that is built when it is older than its sources, by whoever needs it first and may write there. */
import { chmod, lstat, mkdir, mkdtemp, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";

export interface Place {
  /** Where the built folder lies. */
  readonly directory: string;
  /** Where it is built, on the same file system. */
  readonly workshop: string;
  /** Only this user's own counts: anybody may have put a folder there. */
  readonly isPublic?: boolean;
}

/**
 * The first of `places` whose `entry` is newer than `sourcesChangedMs`; when none is, the first that takes a new build.
 * Throws what `build` throws, or why the last place cannot be written.
 */
export async function buildIntoFirst(
  places: readonly Place[],
  entry: string,
  sourcesChangedMs: number,
  build: (outDirectory: string) => Promise<void>,
): Promise<string> {
  for (const { directory, isPublic = false } of places) {
    const isFresh = (await changedMs(join(directory, entry))) > sourcesChangedMs;
    if (isFresh && !(isPublic && (await isAnothers(directory)))) return directory;
  }
  let refusal: unknown;
  for (const { directory, workshop } of places) {
    const outDirectory = await openWorkshop(workshop).catch((error: unknown) => {
      refusal = error;
    });
    if (outDirectory === undefined) continue;
    try {
      await build(outDirectory);
      // Made private by mkdtemp; another user may start the same program.
      await chmod(outDirectory, 0o755);
      const placed = await replaceFolder(outDirectory, directory).catch((error: unknown) => {
        refusal = error;
      });
      if (placed !== undefined) return directory;
    } finally {
      await rm(outDirectory, { recursive: true, force: true });
    }
  }
  throw refusal;
}

async function openWorkshop(workshop: string): Promise<string> {
  await mkdir(workshop, { recursive: true });
  return mkdtemp(join(workshop, "pages-"));
}

/**
 * Puts `from` in the place of `to` at once: another command may be serving what is there, or be building it too. Who
 * comes second replaces what the first has built.
 */
async function replaceFolder(from: string, to: string): Promise<true> {
  for (let tries = 0; ; tries++) {
    const old = `${from}-old-${tries}`;
    await rename(to, old).catch(unless("ENOENT"));
    try {
      await rename(from, to);
      return true;
    } catch (error) {
      // Another one was quicker.
      if (!["ENOTEMPTY", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "") || tries === 10)
        throw error;
    } finally {
      await rm(old, { recursive: true, force: true });
    }
  }
}

const unless = (expected: string) => (error: NodeJS.ErrnoException) => {
  if (error.code !== expected) throw error;
};

const changedMs = (path: string): Promise<number> =>
  stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );

async function isAnothers(directory: string): Promise<boolean> {
  const { uid, mode } = await lstat(directory);
  return process.getuid !== undefined && (uid !== process.getuid() || (mode & 0o022) !== 0);
}
