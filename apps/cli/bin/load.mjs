// Loads a module of the TypeScript sources: hundreds of files, which a loader takes seconds for. So they are bundled once,
// into node_modules/.cache, and again when a source is newer; nobody has to remember a build step. Where that cannot be
// done, the sources run through the loader as they are.
import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { getEnvironmentData, isMainThread, setEnvironmentData } from "node:worker_threads";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const SHELF = join(ROOT, "node_modules/.cache/fedlodrop");
const CLI = join(ROOT, "apps/cli/src");
/** Since anybody last said that it is in use: parts of it are loaded late, in a run of days. */
const KEPT_MS = 24 * 3600 * 1000;

/** @param {string} source URL of a module that is run by itself: the command or a thread */
export async function load(source) {
  if (process.argv.includes("--debug") || process.env.FEDLODROP_DEBUG) process.setSourceMapsEnabled(true);
  const path = fileURLToPath(source);
  const bundled = dirname(path) === CLI ? await bundleInUse() : null;
  const name = path.slice(CLI.length + 1).replace(/\.ts$/, ".mjs");
  const module = bundled === null ? null : join(bundled, name);
  if (module !== null && (await isThere(module))) return import(pathToFileURL(module).href);
  const { register } = await import("tsx/esm/api");
  register();
  return import(source);
}

/** What a thread runs is what its process began with, whatever was changed since; null runs the sources. */
async function bundleInUse() {
  const inherited = getEnvironmentData(SHELF);
  if (inherited !== undefined) return /** @type {string | null} */ (inherited);
  const folder = await bundle().catch(() => null);
  setEnvironmentData(SHELF, folder);
  if (folder !== null && isMainThread) setInterval(() => touch(folder), KEPT_MS / 24).unref();
  return folder;
}

/** Folder of the bundle of the sources as they are now. */
async function bundle() {
  const folder = join(SHELF, await stamp());
  if (await isThere(folder)) {
    await touch(folder);
    return folder;
  }
  await mkdir(SHELF, { recursive: true });
  const workshop = await mkdtemp(join(SHELF, "new-"));
  try {
    await build(workshop);
    // Made private by mkdtemp; another user may start the same program.
    await chmod(workshop, 0o755);
    // Another command may have been quicker.
    await rename(workshop, folder).catch(async (error) => {
      if (!(await isThere(folder))) throw error;
    });
  } finally {
    await rm(workshop, { recursive: true, force: true });
  }
  await clear();
  return folder;
}

/** Of what the bundle is made of: which files, and when each was changed. */
async function stamp() {
  const folders = [
    ...["cli", "coordinator"].map((name) => `apps/${name}`),
    ...(await readdir(join(ROOT, "packages"))).map((name) => `packages/${name}`),
  ];
  const listed = await Promise.all(
    folders.map(async (name) => {
      const folder = join(ROOT, name, "src");
      const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
      return entries
        .filter((entry) => entry.isFile() && !/\.(test|fixture)\.ts$/.test(entry.name))
        .map((entry) => join(entry.parentPath, entry.name));
    }),
  );
  // A library of another version may come from elsewhere, and this file decides what a bundle is.
  const sources = [...listed.flat(), join(ROOT, "package-lock.json"), fileURLToPath(import.meta.url)];
  const facts = await Promise.all(sources.map(async (source) => `${source} ${(await stat(source)).mtimeMs}`));
  return createHash("sha256").update(facts.sort().join("\n")).digest("hex").slice(0, 32);
}

/** @param {string} outdir */
async function build(outdir) {
  const { build: esbuild } = await import("esbuild");
  const threads = (await readdir(CLI)).filter((name) => name.endsWith("-thread.ts"));
  await esbuild({
    entryPoints: ["main.ts", ...threads].map((name) => join(CLI, name)),
    outdir,
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    target: "node20",
    outExtension: { ".js": ".mjs" },
    keepNames: true,
    sourcemap: true,
    sourcesContent: false,
    logLevel: "silent",
    plugins: [{ name: "repository", setup: ownSourcesOnly }],
  });
}

/** @param {import("esbuild").PluginBuild} build */
function ownSourcesOnly(build) {
  build.onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
    kind === "entry-point" || path.startsWith("@fedlodrop/") ? undefined : { path, external: true },
  );
  // What lies beside a source is found from there.
  build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
    const text = await readFile(path, "utf8");
    const contents = text.replaceAll("import.meta.url", JSON.stringify(pathToFileURL(path).href));
    return { contents, loader: "ts" };
  });
}

/** Another command may be at it too, and what cannot be removed does no harm. */
async function clear() {
  for (const name of await readdir(SHELF).catch(() => [])) {
    const folder = join(SHELF, name);
    const known = await stat(folder).catch(() => null);
    if (known !== null && Date.now() - known.mtimeMs > KEPT_MS)
      await rm(folder, { recursive: true, force: true }).catch(() => {});
  }
}

/** @param {string} folder another user's is left as it is */
const touch = (folder) => utimes(folder, new Date(), new Date()).catch(() => {});

/** @param {string} path */
const isThere = (path) =>
  stat(path).then(
    () => true,
    () => false,
  );
