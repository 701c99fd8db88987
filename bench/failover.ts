/**
 * Two real `fedlodrop serve --standby` on one PostgreSQL behind one address, and what may happen to them: the coordinator
 * is killed, it is frozen until another has taken over and wakes up again, the server of the database is killed and
 * started. Compares the adapter with that of a run in a folder that nobody interrupted, and counts receipts.
 *
 *   npx tsx bench/failover.ts --faults 20 --rounds 60 --participants 4 --seed 1 [--minutes 4]
 *
 * Needs the distribution's package `postgresql`; everything stays on loopback.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { connectHost, writeTinyModel } from "@fedlodrop/harness";
import { createRandom, type RunReport } from "@fedlodrop/run";
import { findPostgres, openPostgres } from "../apps/coordinator/src/store/postgres/postgres.fixture.ts";
import { openBalancer } from "./balancer.ts";
import { receiptsAt, secondsUntilBack, settingsOf, startRun, uninterrupted } from "./kept-run.ts";
import { joinAll } from "./returning-participant.ts";
import { end, freePort, type Launched, launch, pause, report, type Served } from "./served.ts";

const { values: flags } = parseArgs({
  options: {
    faults: { type: "string", default: "20" },
    rounds: { type: "string", default: "60" },
    participants: { type: "string", default: "4" },
    seed: { type: "string", default: "1" },
    /** No fault after as long. */
    minutes: { type: "string", default: "600" },
  },
});
const [faults, rounds, participants] = [flags.faults, flags.rounds, flags.participants].map(Number) as [
  number,
  number,
  number,
];
const until = performance.now() + 60_000 * Number(flags.minutes);
const random = createRandom(flags.seed, "failover");
const binaries = findPostgres();
if (binaries === null) throw new Error("no PostgreSQL here (apt-get install postgresql)");
const work = await mkdtemp(join(tmpdir(), "fedlodrop-failover-"));
const model = join(work, "model");
await writeTinyModel(model);
const SETTINGS = settingsOf(model, rounds);
const broken: string[] = [];

async function interrupted(whole: RunReport): Promise<void> {
  const postgres = await openPostgres(binaries as string);
  const address = await postgres.database();
  const ports = [await freePort(), await freePort()];
  const start = (port: number): Launched =>
    launch(port, ["--postgres", address, "--run", "bench", "--standby", ...SETTINGS]);
  const [portA, portB] = ports as [number, number];
  let owner: Launched & { readonly port: number } = { ...start(portA), port: portA };
  const { hostKey }: Served = await owner.listening();
  let other: Launched & { readonly port: number } = { ...start(portB), port: portB };
  const balancer = await openBalancer(ports);
  const standsBy = async (): Promise<void> => {
    while (!other.output().includes("standing by")) {
      if (other.process.exitCode !== null) throw new Error(`the stand-by ended: ${other.output()}`);
      await pause(0.05);
    }
  };
  const takenOver: number[] = [];

  /** Whoever stood by has the run now, and somebody new stands by. */
  async function replace(): Promise<void> {
    takenOver.push(await secondsUntilBack(balancer.url));
    const { port } = owner;
    owner = other;
    other = { ...start(port), port };
  }
  const ways = {
    async kill() {
      await end(owner, "SIGKILL");
      await replace();
    },
    /** It wakes up when it has been replaced, and must not say a word. */
    async freeze() {
      const { process: frozen } = owner;
      frozen.kill("SIGSTOP");
      const { port } = owner;
      await other.listening();
      owner = other;
      frozen.kill("SIGCONT");
      const woken = performance.now();
      while (frozen.exitCode === null && performance.now() - woken < 10_000) await pause(0.05);
      if (frozen.exitCode === null) broken.push("a coordinator that was replaced did not end");
      frozen.kill("SIGKILL");
      other = { ...start(port), port };
    },
    async database() {
      await postgres.stop("SIGKILL");
      await pause(2);
      await postgres.start();
      await secondsUntilBack(balancer.url);
      // On a machine that is busy enough the stand-by may have been the first to come back.
      if (owner.process.exitCode !== null) {
        const { port } = owner;
        owner = other;
        other = { ...start(port), port };
      }
    },
  } as const;

  const all = await joinAll(balancer.url, participants, 0.2);
  let host = await connectHost(balancer.url, hostKey);
  await startRun(host, participants);
  let announced = 0;
  let done = 0;
  try {
    while (done < faults && performance.now() < until) {
      await standsBy();
      await pause(random.uniform() * 2);
      const { phase, rounds: seen } = host.view();
      if (phase === "ended") break;
      announced = Math.max(announced, seen.length);
      const luck = random.uniform();
      const way = luck < 0.6 ? "kill" : luck < 0.8 ? "database" : "freeze";
      const before = broken.length;
      await ways[way]();
      done += 1;
      host.close();
      host = await connectHost(balancer.url, hostKey);
      if (host.view().rounds.length < announced)
        broken.push(`${announced} rounds were announced, ${host.view().rounds.length} are there`);
      await host.until((view) => view.phase === "ended" || view.rounds.length > announced, 120);
      broken.push(...all.flatMap((one) => one.faults.splice(0)));
      process.stdout.write(
        `${done}. ${way}: ${seen.length} rounds, ${phase}; ${broken.slice(before).join("; ") || "held"}\n`,
      );
    }
    await host.ended(3600);
    const { adapterSha256, rounds: records } = await report(await owner.listening());
    if (adapterSha256 !== whole.adapterSha256) broken.push("another adapter than the uninterrupted run's");
    const receipts = await receiptsAt(address);
    const expected = records.length * participants;
    if (receipts.all !== expected || receipts.different !== expected)
      broken.push(
        `expected ${expected} receipts, got ${receipts.all}, ${receipts.different} of them different`,
      );
    takenOver.sort((a, b) => a - b);
    process.stdout.write(
      `${records.length} rounds, adapter ${adapterSha256 === whole.adapterSha256 ? "the same" : "ANOTHER"} to the bit, ` +
        `${receipts.all} receipts of ${expected} updates; after a kill the address answered again in ` +
        `${takenOver.map((seconds) => seconds.toFixed(1)).join(", ")} s\n`,
    );
  } catch (error) {
    throw new Error(
      `${(error as Error).message}\n--- owner:\n${owner.output()}\n--- stand-by:\n${other.output()}`,
    );
  } finally {
    host.close();
    for (const one of all) one.close();
    for (const each of [owner, other]) await end(each, "SIGKILL");
    balancer.close();
    await postgres.close();
  }
}

try {
  await interrupted(await uninterrupted(work, SETTINGS, participants, 0.2));
} finally {
  await rm(work, { recursive: true, force: true });
}
for (const fault of broken) process.stdout.write(`BROKEN ${fault}\n`);
process.exit(broken.length === 0 ? 0 : 1);
