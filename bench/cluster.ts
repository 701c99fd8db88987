/**
 * A run over several real processes: gateways behind one address, an owner and one that stands by for it, PostgreSQL and
 * Redis; and what may happen to them at random. Compares the adapter with that of a run in one process and a folder that
 * nobody interrupted, and counts receipts.
 *
 *   npx tsx bench/cluster.ts --faults 20 --rounds 60 --gateways 2 --participants 4 --seed 1 [--minutes 4]
 *
 * Needs the distribution's packages `postgresql` and `redis-server`; everything stays on loopback.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { connectHost, writeTinyModel } from "@fedlodrop/harness";
import { createRandom, type RunReport } from "@fedlodrop/run";
import { hasRedis, openRedis } from "../apps/coordinator/src/gateway/redis.fixture.ts";
import { findPostgres, openPostgres } from "../apps/coordinator/src/store/postgres/postgres.fixture.ts";
import { openBalancer } from "./balancer.ts";
import { receiptsAt, secondsUntilBack, settingsOf, startRun, uninterrupted } from "./kept-run.ts";
import { joinAll } from "./returning-participant.ts";
import { end, freePort, type Launched, launch, pause } from "./served.ts";

const { values: flags } = parseArgs({
  options: {
    faults: { type: "string", default: "20" },
    rounds: { type: "string", default: "60" },
    gateways: { type: "string", default: "2" },
    participants: { type: "string", default: "4" },
    seed: { type: "string", default: "1" },
    /** Only this fault, by its name below. */
    fault: { type: "string" },
    /** No fault after as long. */
    minutes: { type: "string", default: "600" },
  },
});
const [faults, rounds, gatewayCount, participants] = (
  ["faults", "rounds", "gateways", "participants"] as const
).map((name) => Number(flags[name])) as [number, number, number, number];
const until = performance.now() + 60_000 * Number(flags.minutes);
const random = createRandom(flags.seed, "cluster");
const binaries = findPostgres();
if (binaries === null) throw new Error("no PostgreSQL here (apt-get install postgresql)");
if (!hasRedis()) throw new Error("no Redis here (apt-get install redis-server)");
process.env.FEDLODROP_HOST_KEY = "bench-of-a-cluster";
const work = await mkdtemp(join(tmpdir(), "fedlodrop-cluster-"));
const model = join(work, "model");
await writeTinyModel(model);
const SETTINGS = settingsOf(model, rounds);
const SECONDS_OF_WORK = 0.2;
const broken: string[] = [];

type Placed = Launched & { readonly port: number };

async function interrupted(whole: RunReport): Promise<void> {
  const [postgres, redis] = [await openPostgres(binaries as string), await openRedis()];
  const address = await postgres.database();
  const common = ["--postgres", address, "--redis", redis.address, "--run", "bench"];
  const place = (port: number, ...more: string[]): Placed => ({
    ...launch(port, [...common, ...more]),
    port,
  });
  const gatewayAt = (port: number): Placed => place(port, "--role", "gateway");
  const ownerAt = (port: number): Placed => place(port, "--role", "owner", "--standby", ...SETTINGS);
  const owners = [ownerAt(await freePort())];
  await (owners[0] as Placed).listening();
  owners.push(ownerAt(await freePort()));
  const gateways: Placed[] = [];
  for (let k = 0; k < gatewayCount; k++) gateways.push(gatewayAt(await freePort()));
  const balancer = await openBalancer(
    gateways.map(({ port }) => port),
    true,
  );
  const isUp = (one: Placed): Promise<number> => secondsUntilBack(`http://127.0.0.1:${one.port}`, "/readyz");
  for (const gateway of gateways) await isUp(gateway);
  const standsBy = async (one: Placed): Promise<void> => {
    while (!one.output().includes("standing by")) {
      if (one.process.exitCode !== null) throw new Error(`the stand-by ended: ${one.output()}`);
      await pause(0.05);
    }
  };
  const secondsWithout: number[] = [];

  async function replaceOwner(): Promise<void> {
    const [old] = owners.splice(0, 1) as [Placed];
    await (owners[0] as Placed).listening();
    for (const gateway of gateways) await isUp(gateway);
    owners.push(ownerAt(old.port));
  }
  const ways: Readonly<Record<string, () => Promise<void>>> = {
    async gateway() {
      const at = random.below(gateways.length);
      const one = gateways[at] as Placed;
      await end(one, "SIGKILL");
      gateways[at] = gatewayAt(one.port);
      await isUp(gateways[at]);
    },
    async "frozen gateway"() {
      const { process: frozen } = gateways[random.below(gateways.length)] as Placed;
      frozen.kill("SIGSTOP");
      await pause(8);
      frozen.kill("SIGCONT");
      for (const gateway of gateways) await isUp(gateway);
    },
    async owner() {
      const from = performance.now();
      await end(owners[0] as Placed, "SIGKILL");
      await replaceOwner();
      secondsWithout.push((performance.now() - from) / 1000);
    },
    /** It wakes up when it has been replaced, and must not say a word. */
    async "frozen owner"() {
      const { process: frozen } = owners[0] as Placed;
      frozen.kill("SIGSTOP");
      await replaceOwner();
      frozen.kill("SIGCONT");
      const woken = performance.now();
      while (frozen.exitCode === null && performance.now() - woken < 10_000) await pause(0.05);
      if (frozen.exitCode === null) broken.push("an owner that was replaced did not end");
      frozen.kill("SIGKILL");
    },
    async redis() {
      await redis.stop("SIGKILL");
      await pause(2);
      await redis.start();
    },
    async "empty redis"() {
      await redis.forget();
    },
    async database() {
      await postgres.stop("SIGKILL");
      await pause(2);
      await postgres.start();
      await pause(1);
      // On a machine that is busy enough the stand-by may have been the first to come back.
      if ((owners[0] as Placed).process.exitCode !== null) await replaceOwner();
    },
  };

  const all = await joinAll(balancer.url, participants, SECONDS_OF_WORK);
  const hostKey = process.env.FEDLODROP_HOST_KEY as string;
  let host = await connectHost(balancer.url, hostKey);
  await startRun(host, participants);
  let announced = 0;
  let done = 0;
  try {
    while (done < faults && performance.now() < until) {
      await standsBy(owners[1] as Placed);
      await pause(random.uniform() * 2);
      const { phase, rounds: seen } = host.view();
      if (phase === "ended") break;
      announced = Math.max(announced, seen.length);
      const names = Object.keys(ways);
      const way = flags.fault ?? (names[random.below(names.length)] as string);
      const before = broken.length;
      await (ways[way] as () => Promise<void>)();
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
    const answer = await fetch(new URL("/api/report", balancer.url), {
      headers: { authorization: `Bearer ${hostKey}` },
    });
    const { adapterSha256, rounds: records } = (await answer.json()) as RunReport;
    if (adapterSha256 !== whole.adapterSha256) broken.push("another adapter than the uninterrupted run's");
    const receipts = await receiptsAt(address);
    const expected = records.length * participants;
    if (receipts.all !== expected || receipts.different !== expected)
      broken.push(
        `expected ${expected} receipts, got ${receipts.all}, ${receipts.different} of them different`,
      );
    const back = secondsWithout.sort((a, b) => a - b).map((one) => one.toFixed(1));
    process.stdout.write(
      `${records.length} rounds, adapter ${adapterSha256 === whole.adapterSha256 ? "the same" : "ANOTHER"} to the bit, ` +
        `${receipts.all} receipts of ${expected} updates` +
        `${back.length > 0 ? `; after a kill the gateways had an owner again in ${back.join(", ")} s` : ""}\n`,
    );
  } catch (error) {
    const said = [...owners, ...gateways].map((one) => `--- ${one.port}:\n${one.output()}`).join("\n");
    throw new Error(`${(error as Error).message}\n${said}`);
  } finally {
    host.close();
    for (const one of all) one.close();
    for (const each of [...owners, ...gateways]) await end(each, "SIGKILL");
    balancer.close();
    await redis.close();
    await postgres.close();
  }
}

try {
  await interrupted(await uninterrupted(work, SETTINGS, participants, SECONDS_OF_WORK));
} finally {
  await rm(work, { recursive: true, force: true });
}
for (const fault of broken) process.stdout.write(`BROKEN ${fault}\n`);
process.exit(broken.length === 0 ? 0 : 1);
