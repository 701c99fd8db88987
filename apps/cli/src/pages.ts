/** The web pages, built when they are older than their sources, so that there is no build step to remember. */
import { mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const DIST = join(ROOT, "apps/web/dist");
const CACHE = join(ROOT, "node_modules/.cache");
const SOURCES = [
  "vite.config.ts",
  ...["index.html", "host.html", "src"].map((name) => `apps/web/${name}`),
  ...["allocation", "lm", "protocol", "tasks"].map((name) => `packages/${name}/src`),
];

/** Folder of the built pages. Throws in one line when they cannot be built. */
export async function buildPages(say: (line: string) => void): Promise<string> {
  const built = await stat(join(DIST, "index.html")).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
  if (built > (await newestSource())) return DIST;
  say("building the pages …");
  const { build } = await import("vite");
  try {
    // Built aside and moved at once: another command may be serving the pages, or building them too.
    await mkdir(CACHE, { recursive: true });
    const outDir = await mkdtemp(join(CACHE, "pages-"));
    await build({ configFile: join(ROOT, "vite.config.ts"), logLevel: "error", build: { outDir } });
    await rm(DIST, { recursive: true, force: true });
    await rename(outDir, DIST);
  } catch (cause) {
    throw new Error(`pages: the build failed (${(cause as Error).message.split("\n")[0]})`, { cause });
  }
  return DIST;
}

async function newestSource(): Promise<number> {
  const times: Promise<number>[] = [];
  const note = (path: string): void => {
    times.push(stat(path).then(({ mtimeMs }) => mtimeMs));
  };
  for (const source of SOURCES.map((name) => join(ROOT, name))) {
    if (!(await stat(source)).isDirectory()) note(source);
    else
      for (const entry of await readdir(source, { recursive: true, withFileTypes: true }))
        if (entry.isFile() && !entry.name.endsWith(".test.ts")) note(join(entry.parentPath, entry.name));
  }
  return Math.max(...(await Promise.all(times)));
}
