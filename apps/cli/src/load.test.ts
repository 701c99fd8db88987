import { execFile } from "node:child_process";
import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  realpath,
  rm,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

// Each starts processes of its own, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const REAL = fileURLToPath(new URL("../../..", import.meta.url));
let root: string;

async function source(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
}
/** What the command prints, in a process of its own. */
async function run(): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [join(root, "apps/cli/bin/fedlodrop.mjs")]);
  return stdout;
}
const bundles = (): Promise<string[]> => readdir(join(root, "node_modules/.cache/fedlodrop"));

/** A repository of two packages, with the real loader. */
beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), "load-")));
  for (const file of ["load.mjs", "fedlodrop.mjs"]) {
    await mkdir(join(root, "apps/cli/bin"), { recursive: true });
    await copyFile(join(REAL, "apps/cli/bin", file), join(root, "apps/cli/bin", file));
  }
  await source("package-lock.json", "{}");
  await source("apps/coordinator/src/index.ts", "export {};");
  await source("packages/word/package.json", '{"type":"module","exports":"./src/index.ts"}');
  await source("packages/word/src/index.ts", 'export const WORD: string = "one";');
  await source(
    "apps/cli/src/main.ts",
    `import { WORD } from "@fedlodrop/word";\nprocess.stdout.write(\`\${WORD} \${import.meta.url}\`);`,
  );
  await source("apps/cli/package.json", '{"type":"module"}');
  await mkdir(join(root, "node_modules/@fedlodrop"), { recursive: true });
  await symlink(join(root, "packages/word"), join(root, "node_modules/@fedlodrop/word"));
  for (const tool of ["esbuild", "tsx"])
    await symlink(join(REAL, "node_modules", tool), join(root, "node_modules", tool));
});
afterEach(() => rm(root, { recursive: true }));

it("bundles the sources once, and again when one was changed; each is still found where it lies", async () => {
  const main = pathToFileURL(join(root, "apps/cli/src/main.ts")).href;
  expect(await run()).toBe(`one ${main}`);
  const made = await bundles();
  expect(made).toHaveLength(1);
  expect(await run()).toBe(`one ${main}`);
  expect(await bundles()).toEqual(made);
  await source("packages/word/src/index.ts", 'export const WORD: string = "two";');
  expect(await run()).toBe(`two ${main}`);
  expect(await bundles()).toHaveLength(2);
});

it("keeps bundles that were in use in the last day, and threads run what their process began with", async () => {
  await source(
    "apps/cli/src/main.ts",
    `import { writeFileSync } from "node:fs";
     import { Worker } from "node:worker_threads";
     writeFileSync(new URL("./echo-thread.ts", import.meta.url), "process.exit(1);");
     const worker = new Worker(new URL("../bin/worker.mjs", import.meta.url), {
       workerData: { module: new URL("./echo-thread.ts", import.meta.url).href },
     });
     worker.on("message", (said) => process.stdout.write(said));`,
  );
  await source(
    "apps/cli/src/echo-thread.ts",
    'import { parentPort } from "node:worker_threads";\nparentPort?.postMessage("as it was");',
  );
  await copyFile(join(REAL, "apps/cli/bin/worker.mjs"), join(root, "apps/cli/bin/worker.mjs"));
  await source("node_modules/.cache/fedlodrop/old/main.mjs", "");
  await source("node_modules/.cache/fedlodrop/recent/main.mjs", "");
  const dayAgo = new Date(Date.now() - 25 * 3600 * 1000);
  await utimes(join(root, "node_modules/.cache/fedlodrop/old"), dayAgo, dayAgo);
  expect(await run()).toBe("as it was");
  const kept = await bundles();
  expect(kept).toHaveLength(2);
  expect(kept).toContain("recent");
});

it("runs the sources as they are where nothing can be kept", async () => {
  await source("node_modules/.cache", "a file, where a folder would be");
  expect(await run()).toMatch(/^one file:/);
});

it("several that begin at once use one bundle", async () => {
  const said = await Promise.all(Array.from({ length: 4 }, run));
  expect(new Set(said).size).toBe(1);
  expect(await bundles()).toHaveLength(1);
});
