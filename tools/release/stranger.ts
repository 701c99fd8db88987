/** What a stranger does with the published packages, in a folder that has nothing else. */
import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bytesIn } from "./bytes-in.ts";
import { command, whileRunning } from "./commands.ts";
import { typeDocumented } from "./documented.ts";
import { ROOT } from "./packages.ts";

const MOST_MEGABYTES = 150;

export interface Visit {
  readonly folder: string;
  /** What is given to `npm install`: names, or tarballs. */
  readonly packages: readonly string[];
  /** Without the commands of the documents. */
  readonly quick: boolean;
  readonly say: (line: string) => void;
}

/** @throws what goes wrong first, with all that was said */
export async function strangersFolder({ folder, packages, quick, say }: Visit): Promise<void> {
  await writeFile(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const install = ["install", "--no-audit", "--no-fund"] as const;
  const { stdout, stderr } = await command(folder, "npm", ...install, ...packages);
  // A release is to have no warning at all; a change isn't to wait for what others deprecate.
  const warnings = stderr.split("\n").filter((line) => !(quick && line.startsWith("npm warn deprecated")));
  if (/warn/i.test(warnings.join("\n")))
    throw new Error(`npm install fedlodrop: expected no warning, got\n${stderr}`);
  const size = (await bytesIn(join(folder, "node_modules"))) / 1e6;
  say(`npm install fedlodrop: ${stdout.trim().split("\n")[0]}, ${size.toFixed(0)} MB`);
  if (size > MOST_MEGABYTES) throw new Error(`expected at most ${MOST_MEGABYTES} MB, got ${size.toFixed(0)}`);

  const { stdout: version } = await command(folder, "npx", "fedlodrop", "--version");
  say(`npx fedlodrop --version: ${version.trim()}`);
  const serve = ["serve", "--port", "0", "--host", "127.0.0.1"] as const;
  await whileRunning(
    folder,
    ["node_modules/.bin/fedlodrop", ...serve],
    /http\S+(?=host#key=)/,
    async (url) => {
      for (const path of ["", "host", "models/base/model.safetensors"]) {
        const response = await fetch(new URL(path, url));
        if (!response.ok) throw new Error(`serve: expected /${path}, got HTTP ${response.status}`);
        await response.arrayBuffer();
      }
    },
  );
  say("npx fedlodrop serve: the pages and the model are served");
  const federate = ["federate", "--tabs", "2", "--rounds", "1", "--backend", "wasm"] as const;
  await command(folder, "npx", "fedlodrop", ...federate);
  say("npx fedlodrop federate: a round with two tabs");
  await examples({ folder, say });
  if (!quick) await typeDocumented(folder, say);
}

/** Compiled strictly in both ways in which modules are looked up, then run. */
async function examples({ folder, say }: Pick<Visit, "folder" | "say">): Promise<void> {
  const tools = await versionsOf(["typescript", "@types/node", "@playwright/test"]);
  await command(folder, "npm", "install", "--no-audit", "--no-fund", "--save-dev", ...tools);
  for (const name of await readdir(join(ROOT, "examples"))) {
    const example = join(folder, "examples", name);
    await mkdir(example, { recursive: true });
    await cp(join(ROOT, "examples", name), example, { recursive: true });
    for (const [module, moduleResolution] of [
      ["node16", "node16"],
      ["esnext", "bundler"],
    ] as const) {
      const options = ["--module", module, "--moduleResolution", moduleResolution];
      // By its path: npx looks no further than the example's own folder.
      await command(example, join(folder, "node_modules/.bin/tsc"), "--noEmit", "-p", ".", ...options);
    }
    const { scripts } = JSON.parse(await readFile(join(example, "package.json"), "utf8")) as Example;
    const began = performance.now();
    await command(example, "npm", "run", "--silent", "start");
    say(`examples/${name}: ${scripts.start}, ${((performance.now() - began) / 1000).toFixed(0)} s`);
  }
}

interface Example {
  readonly scripts: { readonly start: string };
}

/** The repository's own versions, so that a release does not fail by what others have released meanwhile. */
async function versionsOf(names: readonly string[]): Promise<readonly string[]> {
  const { devDependencies } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as {
    readonly devDependencies: Readonly<Record<string, string>>;
  };
  return names.map((name) => `${name}@${devDependencies[name]}`);
}
