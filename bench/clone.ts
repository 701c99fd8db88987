/**
 * From a clone to the first closed round, as a stranger gets there: `git clone` of this repository into an empty folder, `npm ci`,
 * and `npx fedlodrop federate` with two tabs. Then what the folder holds: packages and megabytes of the installation, which are
 * held to their limits; warnings of npm are shown. Uncommitted changes are not in a clone.
 *
 *     npx tsx bench/clone.ts [--tabs 2]
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { bytesIn } from "../tools/release/bytes-in.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const LIMITS = { seconds: 90, megabytes: 570, packages: 410 } as const;

const { values: given } = parseArgs({ options: { tabs: { type: "string", default: "2" } } });

const folder = await mkdtemp(join(tmpdir(), "fedlodrop-clone-"));
const clone = join(folder, "clone");
const beganAt = performance.now();
const seconds = (): number => (performance.now() - beganAt) / 1000;
try {
  console.log(`load ${loadavg()[0]?.toFixed(1)} before it began (two idle cores are what the limit is for)`);
  await until(folder, ["git", "clone", "--quiet", ROOT, clone]);
  say("git clone");
  const { lines: installed } = await until(clone, ["npm", "ci", "--no-audit", "--no-fund"]);
  say(`npm ci: ${installed.at(-1)}`);
  for (const line of installed) if (/warn/i.test(line)) say(`npm says: ${line}`);
  const flags = ["--tabs", given.tabs, "--rounds", "1", "--backend", "wasm"];
  const federated = ["npx", "fedlodrop", "federate", ...flags] as const;
  const { lines, atSeconds } = await until(clone, federated, /^round 1\/1 {2}train loss/);
  console.log(`${atSeconds.toFixed(1).padStart(6)} s  ${lines.at(-1)}`);

  const packages = await packagesIn(clone);
  const megabytes = (await bytesIn(clone)) / 1e6;
  const rows = [
    ["clone to first round, s", atSeconds, LIMITS.seconds],
    ["clone with packages, MB", megabytes, LIMITS.megabytes],
    ["packages from elsewhere", packages, LIMITS.packages],
  ] as const;
  console.log();
  for (const [what, measured, limit] of rows)
    console.log(
      `${what}  ${measured.toFixed(0).padStart(5)}  at most ${limit}: ${measured <= limit ? "held" : "missed"}`,
    );
} finally {
  await rm(folder, { recursive: true, force: true });
}

function say(line: string): void {
  console.log(`${seconds().toFixed(1).padStart(6)} s  ${line}`);
}

interface Said {
  readonly lines: readonly string[];
  readonly atSeconds: number;
}

/** What a command says, and when, up to the line that is wanted or to its end, which has to be a good one either way. */
async function until(
  cwd: string,
  [name, ...args]: readonly [string, ...string[]],
  wanted?: RegExp,
): Promise<Said> {
  const child = spawn(name, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(child, "close");
  const lines: string[] = [];
  let found: Said | null = null;
  for (const stream of [child.stdout, child.stderr])
    createInterface(stream).on("line", (line) => {
      if (line.trim() !== "") lines.push(line);
      if (wanted?.test(line)) found ??= { lines: [...lines], atSeconds: seconds() };
    });
  const [code] = await ended;
  if (code !== 0 || (wanted && found === null))
    throw new Error(`${[name, ...args].join(" ")} ended with ${code}:\n${lines.join("\n")}`);
  return found ?? { lines, atSeconds: seconds() };
}

/** Without those of this repository, which the lock names by their folders. */
async function packagesIn(root: string): Promise<number> {
  const lock = JSON.parse(await readFile(join(root, "node_modules/.package-lock.json"), "utf8")) as {
    readonly packages: Readonly<Record<string, { readonly link?: boolean }>>;
  };
  return Object.entries(lock.packages).filter(([path, { link }]) => path.includes("node_modules/") && !link)
    .length;
}
