/** The web pages, built when they are older than their sources, so that there is no build step to remember. */
import { readdir, readFile, stat } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildIntoFirst } from "./built-folder.ts";
import { isInstalled, shipped } from "./shipped.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const WEB = join(ROOT, "apps/web");

/** Folder of the built pages: an installed package comes with them. Throws in one line when they cannot be built. */
export async function buildPages(say: (line: string) => void): Promise<string> {
  if (isInstalled) return shipped("pages");
  const places = [
    { directory: join(WEB, "dist"), workshop: join(ROOT, "node_modules/.cache") },
    // For a user who may not write where the program lies.
    {
      directory: join(tmpdir(), `fedlodrop-pages-${userInfo().username}`),
      workshop: tmpdir(),
      isPublic: true,
    },
  ];
  try {
    return await buildIntoFirst(places, "index.html", await newestSource(), async (outDir) => {
      say("building the pages …");
      const { build } = await import("vite");
      await build({
        configFile: join(ROOT, "vite.config.ts"),
        configLoader: "runner", // the usual one writes beside the configuration
        logLevel: "error",
        build: { outDir },
      });
    });
  } catch (cause) {
    throw new Error(`pages: the build failed (${(cause as Error).message.split("\n")[0]})`, { cause });
  }
}

/** When what the pages are made of was last changed, in milliseconds of the system's clock. */
async function newestSource(): Promise<number> {
  const sources = [
    "vite.config.ts",
    // A library of another version makes other pages.
    "package-lock.json",
    ...(await readdir(WEB))
      .filter((name) => /\.html$|^(?:src|public)$/.test(name))
      .map((name) => `apps/web/${name}`),
    ...(await importedPackages("apps/web")).map((name) => `packages/${name}/src`),
  ];
  const times: Promise<number>[] = [];
  const note = (path: string): void => {
    times.push(stat(path).then(({ mtimeMs }) => mtimeMs));
  };
  for (const source of sources.map((name) => join(ROOT, name))) {
    if (!(await stat(source)).isDirectory()) note(source);
    else
      for (const entry of await readdir(source, { recursive: true, withFileTypes: true }))
        if (entry.isFile() && !entry.name.endsWith(".test.ts")) note(join(entry.parentPath, entry.name));
  }
  return Math.max(...(await Promise.all(times)));
}

/** Packages of this repository that `folder` is made of, those of its packages included. */
async function importedPackages(folder: string, known = new Set<string>()): Promise<readonly string[]> {
  const manifest = JSON.parse(await readFile(join(ROOT, folder, "package.json"), "utf8")) as {
    readonly dependencies?: Readonly<Record<string, string>>;
  };
  for (const dependency of Object.keys(manifest.dependencies ?? {})) {
    const [, name] = /^@fedlodrop\/(.+)$/.exec(dependency) ?? [];
    if (name === undefined || known.has(name)) continue;
    known.add(name);
    await importedPackages(`packages/${name}`, known);
  }
  return [...known];
}
