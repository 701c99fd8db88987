/**
 * The quick part of the suite and a run without a browser, on every Node that is supported, after npm has said whether
 * each package of the lock takes that Node: `npm run nodes`, or `npm run nodes -- 24`. The versions come from npm's own
 * `node` package.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { command } from "./commands.ts";
import { ROOT } from "./packages.ts";

const SUPPORTED = ["20", "22", "24"];
/** Everything that is quick and needs neither a browser nor a trained model. */
const QUICK = [
  "packages/run",
  "packages/protocol",
  "packages/federation",
  "packages/allocation",
  "packages/tasks",
];
const EXAMPLE = "examples/node-federation";
const DRY_INSTALL = ["ci", "--dry-run", "--engine-strict", "--no-audit", "--no-fund"] as const;
/** npm itself, which runs this and has to be run by another Node. */
const npm = process.env.npm_execpath;

const asked = process.argv.slice(2);
const wrong = asked.find((version) => !/^\d+(?:\.\d+\.\d+)?$/.test(version));
if (wrong !== undefined) throw new Error(`npm run nodes: expected versions such as 22, got ${wrong}`);
for (const version of asked.length > 0 ? asked : SUPPORTED) {
  const folder = join(ROOT, "node_modules/.cache/nodes", version);
  await mkdir(folder, { recursive: true });
  await command(
    folder,
    "npm",
    "install",
    "--no-save",
    "--no-audit",
    "--no-fund",
    "--prefix",
    folder,
    `node@${version}`,
  );
  const bin = join(folder, "node_modules/node/bin");
  const { stdout } = await command(ROOT, join(bin, "node"), "--version");
  console.log(`\n== Node ${stdout.trim()}`);
  if (npm !== undefined) await shown(bin, ROOT, npm, ...DRY_INSTALL);
  await shown(bin, ROOT, "node_modules/vitest/vitest.mjs", "run", ...QUICK, "--reporter=dot");
  await shown(bin, join(ROOT, EXAMPLE), "--import", "tsx", "main.ts");
}

/** @throws when it ends with another code than 0, or warns of what a version will not do much longer */
async function shown(bin: string, cwd: string, ...args: readonly string[]): Promise<void> {
  const child = spawn(join(bin, "node"), args, {
    cwd,
    stdio: ["ignore", "inherit", "pipe"],
    env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` },
  });
  let complaints = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaints += text;
    process.stderr.write(text);
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`node ${args.join(" ")}: expected code 0, got ${code}`);
  if (/DeprecationWarning|EBADENGINE|npm warn|unrecognized flag/.test(complaints))
    throw new Error(`node ${args.join(" ")}: expected no warning, got\n${complaints}`);
}
