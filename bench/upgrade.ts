/**
 * A cluster that is brought up to date in the middle of a run: owner and gateways of an earlier program are asked to end,
 * one after another and owners first, and those of this one take their places. Nobody may be refused and no update lost;
 * the adapter is held to that of one process. The earlier program is a commit of this repository, checked out beside it.
 *
 *   npx tsx bench/upgrade.ts --from COMMIT [--participants 4]
 *
 * Needs git and the distribution's packages `postgresql` and `redis-server`; everything stays on loopback.
 */
import { execFileSync } from "node:child_process";
import { lstat, mkdir, mkdtemp, readdir, readlink, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { freePort, LOOPBACK } from "../apps/coordinator/src/daemon.fixture.ts";
import { hasRedis, openRedis } from "../apps/coordinator/src/gateway/redis.fixture.ts";
import { findPostgres, openPostgres } from "../apps/coordinator/src/store/postgres/postgres.fixture.ts";
import { openBalancer } from "./balancer.ts";
import {
  connectPatiently,
  holdToWhole,
  secondsUntilTheyGoOn,
  stopBetweenRounds,
  whatIsLeft,
} from "./interruptions.ts";
import { secondsUntilBack, startRun } from "./kept-run.ts";
import { joinAll } from "./returning-participant.ts";
import { end, type Launched, launch, until } from "./served.ts";

const { values } = parseArgs({
  options: { from: { type: "string" }, participants: { type: "string", default: "4" } },
});
const { from } = values;
if (from === undefined) throw new Error("--from: expected a commit of the earlier program, got nothing");
const participants = Number(values.participants);
const binaries = findPostgres();
if (binaries === null) throw new Error("no PostgreSQL here (apt-get install postgresql)");
if (!hasRedis()) throw new Error("no Redis here (apt-get install redis-server)");
process.env.FEDLODROP_HOST_KEY = "bench-of-an-upgrade";
const hostKey = process.env.FEDLODROP_HOST_KEY;
const ROOT = fileURLToPath(new URL("..", import.meta.url));
const ROUNDS = 10_000;
const DRAIN_SECONDS = 60;

/** @returns its command */
async function checkOut(commit: string, undo: (() => unknown)[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "fedlodrop-before-"));
  const git = (...args: readonly string[]): unknown =>
    execFileSync("git", args, { cwd: ROOT, stdio: "pipe" });
  undo.push(() => rm(folder, { recursive: true, force: true }).then(() => git("worktree", "prune")));
  git("worktree", "add", "--detach", folder, commit);
  await linkModules(join(ROOT, "node_modules"), join(folder, "node_modules"));
  return join(folder, "apps/cli/bin/fedlodrop.mjs");
}

/** What both programs need of others is the same; packages of this repository are each one's own. */
async function linkModules(ours: string, theirs: string): Promise<void> {
  await mkdir(theirs);
  for (const name of await readdir(ours)) {
    const [one, other] = [join(ours, name), join(theirs, name)];
    if (name === "@fedlodrop") await linkModules(one, other);
    else if ((await lstat(one)).isSymbolicLink()) await symlink(await readlink(one), other);
    else if (name !== ".cache") await symlink(one, other);
  }
}

await holdToWhole({ rounds: ROUNDS, participants, secondsOfWork: 0.2 }, async (run, undo) => {
  const before = await checkOut(from, undo);
  const postgres = await openPostgres(binaries);
  undo.push(postgres.close);
  const redis = await openRedis();
  undo.push(redis.close);
  const database = await postgres.database();
  const common = ["--postgres", database, "--redis", redis.address, "--run", "bench"];
  const start = (port: number, flags: readonly string[], command?: string): Launched => {
    const launched = launch(port, [...common, ...flags], LOOPBACK, command);
    undo.push(() => end(launched, "SIGKILL"));
    return launched;
  };
  const ownerFlags = ["--role", "owner", "--standby", ...run];
  const gatewayFlags = ["--role", "gateway", "--drain", `${DRAIN_SECONDS}`];
  const earlierOwner = start(await freePort(), ownerFlags, before);
  await earlierOwner.listening();
  const ports = [await freePort(), await freePort()];
  const gateways = ports.map((port) => start(port, gatewayFlags, before));
  const isBack = (port: number): Promise<number> =>
    secondsUntilBack(`http://${LOOPBACK.host}:${port}`, "/readyz");
  for (const port of ports) await isBack(port);
  const balancer = await openBalancer(
    ports.map((port) => ({ host: LOOPBACK.host, port })),
    true,
  );
  undo.push(balancer.close);
  const { url } = balancer;
  const broken: string[] = [];
  const all = await joinAll(url, participants, 0.2);
  undo.push(() => all.map((one) => one.close()));
  const host = await connectPatiently(url, hostKey);
  await startRun(host, participants);
  host.close();

  /** @param change resolves when it is done */
  async function step(name: string, change: () => Promise<unknown>): Promise<void> {
    const since = performance.now();
    const goneOn = secondsUntilTheyGoOn(all);
    await change();
    const took = (performance.now() - since) / 1000;
    const seconds = await goneOn;
    if (seconds === null) broken.push(`${name}: devices did not go on`);
    // Once more, now that it is done.
    if ((await secondsUntilTheyGoOn(all)) === null) broken.push(`${name}: devices did not go on afterwards`);
    broken.push(...all.flatMap((one) => one.faults.splice(0)));
    process.stdout.write(
      `${name}: ${took.toFixed(1)} s, every device in a later round after ${seconds?.toFixed(1)} s\n`,
    );
  }
  async function askToEnd(name: string, one: Launched): Promise<void> {
    const code = await end(one, "SIGTERM");
    if (code !== 0) broken.push(`${name} ended with ${code}: ${one.output()}`);
  }

  await step("the earlier program runs", async () => {});
  const owner = start(await freePort(), ownerFlags);
  await until("a stand-by", () => owner.output().includes("standing by"));
  await step("the owner is brought up to date", async () => {
    await askToEnd("the earlier owner", earlierOwner);
    await owner.listening();
  });
  for (const [k, gateway] of gateways.entries())
    await step(`gateway ${k + 1} is brought up to date`, async () => {
      await askToEnd(`the earlier gateway ${k + 1}`, gateway);
      start(ports[k] as number, gatewayFlags);
      await isBack(ports[k] as number);
    });
  const last = await connectPatiently(url, hostKey);
  await stopBetweenRounds(last);
  await last.ended(120);
  last.close();
  const found = await whatIsLeft({ url, hostKey, database }, participants);
  return { ...found, broken: [...broken, ...found.broken] };
});
