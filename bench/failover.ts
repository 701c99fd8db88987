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
import { writeTinyModel } from "@fedlodrop/harness";
import type { RunReport } from "@fedlodrop/run";
import { freePort, LOOPBACK } from "../apps/coordinator/src/daemon.fixture.ts";
import { findPostgres, openPostgres } from "../apps/coordinator/src/store/postgres/postgres.fixture.ts";
import { openBalancer } from "./balancer.ts";
import { type Interruptible, interruptAtRandom, readSettings } from "./interruptions.ts";
import { secondsUntilBack, settingsOf, uninterrupted } from "./kept-run.ts";
import { end, type Launched, launch, pause, type Served } from "./served.ts";

const settings = readSettings();
const binaries = findPostgres();
if (binaries === null) throw new Error("no PostgreSQL here (apt-get install postgresql)");
const work = await mkdtemp(join(tmpdir(), "fedlodrop-failover-"));
const model = join(work, "model");
await writeTinyModel(model);
const RUN = settingsOf(model, settings.rounds);

async function interrupted(whole: RunReport): Promise<readonly string[]> {
  const postgres = await openPostgres(binaries as string);
  const database = await postgres.database();
  const ports = [await freePort(), await freePort()] as [number, number];
  const start = (port: number): Launched & { readonly port: number } => ({
    ...launch(port, ["--postgres", database, "--run", "bench", "--standby", ...RUN]),
    port,
  });
  let owner = start(ports[0]);
  const { hostKey }: Served = await owner.listening();
  let other = start(ports[1]);
  const balancer = await openBalancer(ports.map((port) => ({ host: LOOPBACK.host, port })));
  const broken: string[] = [];
  const takenOver: number[] = [];

  /** Whoever stood by has the run now, and somebody new stands by. */
  function replaced(): void {
    const { port } = owner;
    owner = other;
    other = start(port);
  }
  const ways: Interruptible["ways"] = {
    kill: {
      weight: 3,
      async happen() {
        await end(owner, "SIGKILL");
        takenOver.push(await secondsUntilBack(balancer.url));
        replaced();
      },
    },
    /** It wakes up when it has been replaced, and must not say a word. */
    freeze: {
      weight: 1,
      async happen() {
        const { process: frozen } = owner;
        frozen.kill("SIGSTOP");
        await other.listening();
        frozen.kill("SIGCONT");
        const woken = performance.now();
        while (frozen.exitCode === null && performance.now() - woken < 10_000) await pause(0.05);
        if (frozen.exitCode === null) broken.push("a coordinator that was replaced did not end");
        frozen.kill("SIGKILL");
        replaced();
      },
    },
    database: {
      weight: 1,
      async happen() {
        await postgres.stop("SIGKILL");
        await pause(2);
        await postgres.start();
        await secondsUntilBack(balancer.url);
        // On a machine that is busy enough the stand-by may have been the first to come back.
        if (owner.process.exitCode !== null) replaced();
      },
    },
  };
  async function settled(): Promise<void> {
    while (!other.output().includes("standing by")) {
      if (other.process.exitCode !== null) throw new Error(`the stand-by ended: ${other.output()}`);
      await pause(0.05);
    }
  }

  try {
    broken.push(
      ...(await interruptAtRandom({ url: balancer.url, hostKey, database, ways, settled }, whole, settings)),
    );
    const times = takenOver.sort((a, b) => a - b).map((seconds) => seconds.toFixed(1));
    if (times.length > 0)
      process.stdout.write(`after a kill the address answered again in ${times.join(", ")} s\n`);
    return broken;
  } catch (error) {
    throw new Error(
      `${(error as Error).message}\n--- owner:\n${owner.output()}\n--- stand-by:\n${other.output()}`,
    );
  } finally {
    for (const each of [owner, other]) await end(each, "SIGKILL");
    balancer.close();
    await postgres.close();
  }
}

let broken: readonly string[] = [];
try {
  broken = await interrupted(await uninterrupted(work, RUN, settings.participants, settings.secondsOfWork));
} finally {
  await rm(work, { recursive: true, force: true });
}
for (const fault of broken) process.stdout.write(`BROKEN ${fault}\n`);
process.exit(broken.length === 0 ? 0 : 1);
