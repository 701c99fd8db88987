/**
 * A whole release, but for the world: builds and packs every public package, has the tarballs judged by publint and
 * are-the-types-wrong, publishes them to a registry on loopback, and does in an empty folder outside the repository what a
 * stranger would: install, serve, federate, compile and run the examples. `npm run rehearse`; --quick leaves out what
 * needs a browser.
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
const say = (line: string): void => console.log(line);

const directory = await mkdtemp(join(tmpdir(), "fedlodrop-release-"));
const { stdout } = await command(directory, "npm", "config", "get", "registry");
const registry = await openRegistry(stdout.trim());
try {
  const staged = await stagePackages(say);
  const tarballs = join(directory, "tarballs");
  const folder = join(directory, "stranger");
  await mkdir(tarballs);
  await mkdir(folder);
  const settings = [
    `registry=${registry.url}`,
    `${registry.url.replace(/^http:/, "")}:_authToken=nobody`,
    "audit=false",
    "fund=false",
  ];
  await writeFile(join(directory, ".npmrc"), settings.join("\n"));
  // Of this process too: whatever it starts takes this registry for the world's.
  process.env.npm_config_userconfig = join(directory, ".npmrc");
  const packed: string[] = [];
  for (const stage of staged) {
    const { stdout: file } = await command(tarballs, "npm", "pack", "--silent", stage);
    packed.push(join(tarballs, file.trim()));
  }
  for (const tarball of packed) await judge(tarball);
  for (const tarball of packed) await command(tarballs, "npm", "publish", "--silent", tarball);
  await strangersFolder({ folder, quick, say });
  say(`\n${staged.length} packages are ready to be published`);
} finally {
  registry.close();
  await rm(directory, { recursive: true, force: true });
}

/** ESM only: what CommonJS would find is not asked. */
async function judge(tarball: string): Promise<void> {
  await command(directory, join(TOOLS, "publint"), "--strict", tarball);
  await command(directory, join(TOOLS, "attw"), tarball, "--profile", "esm-only", "--no-emoji");
  say(`${tarball.split("/").at(-1)}: publint and are-the-types-wrong have nothing to say`);
}
