/**
 * Builds every public package into a folder that `npm pack` takes as it is: ESM, types and source maps in dist/, a
 * manifest that points at them, licence and readme; with the command also the pages and the base model. The repository
 * itself stays as it is, and runs from its sources.
 */
import { execFile } from "node:child_process";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { buildPages } from "../../apps/cli/src/pages.ts";
import { publishedManifest } from "./manifest.ts";
import { type PublicPackage, publicPackages, ROOT, readManifest } from "./packages.ts";
import { builtText } from "./specifiers.ts";

const run = promisify(execFile);
const TSC = join(ROOT, "node_modules/typescript/bin/tsc");
const STAGE = join(ROOT, "node_modules/.cache/release");

/** Folders of the staged packages, in the order in which they can be published. */
export async function stagePackages(say: (line: string) => void): Promise<readonly string[]> {
  await rm(STAGE, { recursive: true, force: true });
  await run(process.execPath, [TSC, "-b"], { cwd: ROOT });
  const packages = await publicPackages();
  const versions = new Map(packages.map(({ manifest: { name, version } }) => [name, version]));
  const { engines = {} } = await readManifest(ROOT);
  const folders: string[] = [];
  for (const one of packages) {
    const folder = join(STAGE, basename(one.directory));
    say(`building ${one.manifest.name} …`);
    await compile(one, folder);
    const manifest = publishedManifest(one.manifest, versions, engines);
    await writeFile(join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
    await cp(join(ROOT, "LICENSE"), join(folder, "LICENSE"));
    await cp(join(one.directory, "README.md"), join(folder, "README.md"));
    await copyData(one, folder, say);
    folders.push(folder);
  }
  return folders;
}

interface Project {
  readonly references?: readonly { readonly path: string }[];
}

async function compile({ directory }: PublicPackage, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const config = join(folder, "tsconfig.json");
  const options = {
    rootDir: join(directory, "src"),
    outDir: join(folder, "dist"),
    composite: false,
    incremental: false,
    tsBuildInfoFile: null,
    emitDeclarationOnly: false,
    declaration: true,
    sourceMap: true,
    inlineSources: true,
    rewriteRelativeImportExtensions: true,
  };
  const project = join(directory, "tsconfig.json");
  const { references = [] } = JSON.parse(await readFile(project, "utf8")) as Project;
  await writeFile(
    config,
    JSON.stringify({
      extends: project,
      compilerOptions: options,
      // These are not inherited; without them other packages would be compiled from their sources again.
      references: references.map(({ path }) => ({ path: join(directory, path) })),
    }),
  );
  await run(process.execPath, [TSC, "-p", config], { cwd: ROOT }).catch((error: { stdout?: string }) => {
    throw new Error(`${basename(directory)}: ${error.stdout ?? error}`);
  });
  await rm(config);
  for (const file of await filesIn(join(folder, "dist")))
    if (/\.(js|d\.ts)$/.test(file)) await writeFile(file, builtText(await readFile(file, "utf8")));
}

/** What built modules read beside themselves. */
async function copyData({ directory, manifest }: PublicPackage, folder: string, say: (line: string) => void) {
  for (const file of await filesIn(join(directory, "src")))
    if (file.endsWith(".wasm")) await cp(file, file.replace(join(directory, "src"), join(folder, "dist")));
  await cp(join(directory, "data"), join(folder, "data"), { recursive: true }).catch(ifThere);
  if (manifest.bin === undefined) return;
  await cp(join(ROOT, "CHANGELOG.md"), join(folder, "CHANGELOG.md"));
  await cp(await buildPages(say), join(folder, "pages"), { recursive: true });
  await cp(join(ROOT, "models/base"), join(folder, "models/base"), { recursive: true });
}

function ifThere(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}

async function filesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
