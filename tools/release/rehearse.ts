/**
 * A whole release, but for the world: builds and packs every public package, has the tarballs judged by publint and
 * are-the-types-wrong, publishes them to a registry on loopback, and does in an empty folder outside the repository what a
 * stranger would: install, serve, federate, compile and run the examples, type the commands of the documents. `npm run rehearse`;
 * --quick, for every change, installs the tarballs as they are and leaves out the judges and the documents.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "./commands.ts";
import { ROOT } from "./packages.ts";
import { openRegistry } from "./registry.ts";
import { stagePackages } from "./stage.ts";
import { strangersFolder } from "./stranger.ts";

const TOOLS = join(ROOT, "tools/release/node_modules/.bin");
const quick = process.argv.includes("--quick");
const beganMs = performance.now();
const say = (line: string): void =>
  console.log(`${((performance.now() - beganMs) / 1000).toFixed(0).padStart(4)} s  ${line}`);

const directory = await mkdtemp(join(tmpdir(), "fedlodrop-release-"));
const folder = join(directory, "stranger");
for (const [signal, code] of [
  ["SIGTERM", 143],
  ["SIGINT", 130],
] as const)
  process.once(signal, () => {
    void rm(directory, { recursive: true, force: true }).finally(() => process.exit(code));
  });
await mkdir(folder);
try {
  const staged = await stagePackages(say);
  const tarballs = await pack(staged);
  if (quick) await strangersFolder({ folder, packages: tarballs, quick, say });
  else {
    for (const tarball of tarballs) await judge(tarball);
    await published(tarballs, () => strangersFolder({ folder, packages: ["fedlodrop"], quick, say }));
  }
  say(`\n${staged.length} packages are ready to be published`);
} finally {
  await rm(directory, { recursive: true, force: true });
}

/** By one npm, which takes longer to start than to pack. */
async function pack(staged: readonly string[]): Promise<readonly string[]> {
  const tarballs = join(directory, "tarballs");
  await mkdir(tarballs);
  const { stdout } = await command(tarballs, "npm", "pack", "--silent", ...staged);
  return stdout
    .trim()
    .split("\n")
    .map((file) => join(tarballs, file.trim()));
}

/** Publishes to a registry on loopback, which is everybody's while `use` works. */
async function published(tarballs: readonly string[], use: () => Promise<void>): Promise<void> {
  const { stdout } = await command(directory, "npm", "config", "get", "registry");
  const registry = await openRegistry(stdout.trim());
  try {
    const settings = [
      `registry=${registry.url}`,
      `${registry.url.replace(/^http:/, "")}:_authToken=nobody`,
      "audit=false",
      "fund=false",
    ];
    await writeFile(join(directory, ".npmrc"), settings.join("\n"));
    // Of this process too: whatever it starts takes this registry for the world's.
    process.env.npm_config_userconfig = join(directory, ".npmrc");
    for (const tarball of tarballs) await command(directory, "npm", "publish", "--silent", tarball);
    say("npm publish: all are on the registry on loopback");
    await use();
  } finally {
    registry.close();
  }
}

/** ESM only: what CommonJS would find is not asked. */
async function judge(tarball: string): Promise<void> {
  await command(directory, join(TOOLS, "publint"), "--strict", tarball);
  await command(directory, join(TOOLS, "attw"), tarball, "--profile", "esm-only", "--no-emoji");
  say(`${tarball.split("/").at(-1)}: publint and are-the-types-wrong have nothing to say`);
}
