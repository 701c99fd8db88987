/**
 * Takes the disk away from a real `fedlodrop serve` in the middle of its run, in each way that disks go: full, read-only
 * folder at the start, no more open files, no larger files, a deleted folder. Training has to go on, the host to be told, and
 * the exit code to say whether the results are there; nothing may be left half written.
 *
 *   npx tsx bench/disk.ts [--only "open files"]
 *
 * A small or read-only file system needs the right to mount one, limits of a running process `prlimit`; what cannot be
 * done here is said, and not counted.
 */
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { connectHost, writeTinyModel } from "@fedlodrop/harness";
import { takePart } from "./returning-participant.ts";
import { end, type Served, serve } from "./served.ts";

const { values: flags } = parseArgs({ options: { only: { type: "string", default: "" } } });

interface Trouble {
  readonly name: string;
  /** Options of a file system of its own; null uses the disk that is there. */
  readonly mount: string | null;
  /** After two rounds. */
  strike(served: Served, folder: string): Promise<void>;
  /** Devices can still be reached, so that rounds go on; a connection is an open file. */
  readonly goesOn: boolean;
  /** After four more, or at once where none goes on; null stays as it is. */
  readonly relieve: ((served: Served, folder: string) => Promise<void>) | null;
}

const ROUNDS = 12;
const NOBODY_IS_THERE = 120;
const work = await mkdtemp(join(tmpdir(), "fedlodrop-disk-"));
const model = join(work, "model");
await writeTinyModel(model);

function run(command: string, ...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${error?.message ?? stderr.trim()}`);
}
const may = (command: string, ...args: readonly string[]): boolean => spawnSync(command, args).status === 0;

const limit = (name: string, value: string, { process: { pid } }: Served): void =>
  run("prlimit", `--${name}=${value}:`, "--pid", `${pid}`);
const openFiles = async ({ process: { pid } }: Served): Promise<number> =>
  (await readdir(`/proc/${pid}/fd`)).length;
/** So that the file system has this many bytes left. */
const fill = (folder: string): void => {
  spawnSync("dd", ["if=/dev/zero", `of=${join(folder, "..", "ballast")}`, "bs=4k"]);
};

const TROUBLES: readonly Trouble[] = [
  {
    name: "disk full, to the end",
    mount: "size=4m",
    goesOn: true,
    strike: async (_, folder) => fill(folder),
    relieve: null,
  },
  {
    name: "disk full, then not any more",
    mount: "size=4m",
    goesOn: true,
    strike: async (_, folder) => fill(folder),
    relieve: (_, folder) => rm(join(folder, "..", "ballast")),
  },
  {
    name: "no larger files, to the end",
    mount: null,
    goesOn: true,
    strike: async (served) => limit("fsize", "1024", served),
    relieve: null,
  },
  {
    name: "no more open files, then again",
    mount: null,
    goesOn: false,
    strike: async (served) => limit("nofile", `${await openFiles(served)}`, served),
    relieve: async (served) => limit("nofile", "1024", served),
  },
  {
    name: "folder deleted",
    mount: null,
    goesOn: true,
    strike: (_, folder) => rm(folder, { recursive: true }),
    relieve: async () => {},
  },
];

async function attempt({ name, mount, strike, goesOn, relieve }: Trouble): Promise<string> {
  const place = join(work, name.replaceAll(/\W+/g, "-"));
  await mkdir(place);
  if (mount !== null && !may("mount", "-t", "tmpfs", "-o", mount, "tmpfs", place))
    return "not tried: no right to mount a file system here";
  const folder = join(place, "run");
  const served = await serve(folder, 0, [
    "--model",
    model,
    "--rank",
    "2",
    "--rounds",
    `${ROUNDS}`,
    "--quorum",
    "1",
  ]);
  const all = [
    takePart(served.url, "ada", { secondsOfWork: 0.1 }),
    takePart(served.url, "ben", { secondsOfWork: 0.1 }),
  ];
  const host = await connectHost(served.url, served.hostKey);
  try {
    await host.until(
      ({ participants }) => participants.filter(({ state }) => state === "ready").length === 2,
      60,
    );
    await host.command({ kind: "start" });
    await host.until(({ rounds }) => rounds.length >= 2, NOBODY_IS_THERE);
    await strike(served, folder);
    const told = await host
      .until(({ notice }) => notice?.includes("not being stored") === true, 30)
      .then(({ notice }) => notice as string);
    const struck = host.view().rounds.length;
    const more = goesOn ? 4 : 0;
    await host.until(({ rounds }) => rounds.length >= Math.min(ROUNDS, struck + more), NOBODY_IS_THERE);
    await relieve?.(served, folder);
    await host.until(({ phase }) => phase === "ended", NOBODY_IS_THERE);
    if (relieve !== null) await host.until(({ notice }) => notice === null, 30);
    const code = await end(served, "SIGTERM");
    const expected = relieve === null ? 1 : 0;
    if (code !== expected)
      throw new Error(`exit code: expected ${expected}, got ${code}\n${served.output()}`);
    const left = await readdir(folder).catch((): string[] => []);
    const parts = left.filter((file) => file.endsWith(".part"));
    if (parts.length > 0) throw new Error(`left half written: ${parts.join(", ")}`);
    if (relieve !== null && !left.includes("report.json")) throw new Error("exit code 0 without report.json");
    return `held: "${told}"; exit code ${code}`;
  } finally {
    host.close();
    for (const one of all) one.close();
    await end(served, "SIGKILL");
    if (mount !== null) run("umount", place);
  }
}

async function readOnlyFromTheStart(): Promise<string> {
  const place = join(work, "read-only");
  await mkdir(place);
  if (!may("mount", "-t", "tmpfs", "-o", "ro", "tmpfs", place))
    return "not tried: no right to mount a file system here";
  try {
    const refusal = await serve(join(place, "run"), 0, ["--model", model]).then(
      () => null,
      (error: Error) => error.message,
    );
    if (!refusal?.includes("cannot be written (EROFS)"))
      throw new Error(`expected a refusal, got ${refusal}`);
    return "held: refused at the start, in one line";
  } finally {
    run("umount", place);
  }
}

let failures = 0;
async function tell(name: string, tried: () => Promise<string>): Promise<void> {
  if (!name.includes(flags.only)) return;
  const verdict = await tried().catch((error: Error) => {
    failures += 1;
    return `FAILED: ${error.message}`;
  });
  process.stdout.write(`${name}: ${verdict}\n`);
}

try {
  await tell("read-only from the start", readOnlyFromTheStart);
  for (const trouble of TROUBLES) await tell(trouble.name, () => attempt(trouble));
} finally {
  await rm(work, { recursive: true, force: true });
}
process.exit(failures === 0 ? 0 : 1);
