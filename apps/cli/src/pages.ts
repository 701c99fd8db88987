/** The web pages, built when they are older than their sources, so that there is no build step to remember. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const DIST = join(ROOT, "apps/web/dist");
const SOURCES = [
  "apps/web",
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
    await build({ configFile: join(ROOT, "vite.config.ts"), logLevel: "error" });
  } catch (cause) {
    throw new Error(`pages: the build failed (${(cause as Error).message.split("\n")[0]})`, { cause });
  }
  return DIST;
}

async function newestSource(): Promise<number> {
  const times = [stat(join(ROOT, "vite.config.ts")).then(({ mtimeMs }) => mtimeMs)];
  for (const folder of SOURCES) {
    for (const entry of await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile() || path.startsWith(DIST) || path.endsWith(".test.ts")) continue;
      times.push(stat(path).then(({ mtimeMs }) => mtimeMs));
    }
  }
  return Math.max(...(await Promise.all(times)));
}
