/**
 * Many devices of one run over gateways, scripted, in several processes: what one costs while it waits, how long joining
 * takes, and what a round costs beyond the devices' own work, which is none here.
 *
 *   npx tsx bench/crowd.ts --devices 1000,3000,10000 --gateways 3 --rounds 2 [--processes 2]
 *   npx tsx bench/crowd.ts --devices 500 --gateways 3 --rounds 1 --model models/base --rank 8     # large updates
 *
 * Devices are dealt out to gateways as a balancer would, without one in between. Memory is what the system counts for a
 * process (resident set), time is that of its processors; the model is tiny unless another is named. Nobody watches while
 * it is measured: a host's page of thousands of devices has a cost of its own. Each device needs a file handle at both of its
 * ends (`ulimit -n`). Needs the distribution's packages `postgresql` and `redis-server`; everything stays on loopback.
 */
import { type ChildProcess, fork } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { connectHost, writeTinyModel } from "@fedlodrop/harness";
import { hasRedis, openRedis } from "../apps/coordinator/src/gateway/redis.fixture.ts";
import { findPostgres, openPostgres } from "../apps/coordinator/src/store/postgres/postgres.fixture.ts";
import type { CrowdNews, CrowdOrder } from "./crowd-process.ts";
import { receiptsAt, secondsUntilBack } from "./kept-run.ts";
import { end, freePort, type Launched, launch, pause, until } from "./served.ts";

const { values: flags } = parseArgs({
  options: {
    devices: { type: "string", default: "1000" },
    gateways: { type: "string", default: "3" },
    rounds: { type: "string", default: "5" },
    processes: { type: "string", default: "2" },
    model: { type: "string" },
    rank: { type: "string", default: "2" },
  },
});
const [gatewayCount, rounds, processes] = [flags.gateways, flags.rounds, flags.processes].map(Number) as [
  number,
  number,
  number,
];
const JOINS_AT_ONCE = 16;
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;
/** What a machine that is busy with other work may take: for one device to be ready, and for all to end a round. */
const SECONDS_PER_DEVICE = 0.2;
const ROUND_SECONDS = 900;
const binaries = findPostgres();
if (binaries === null) throw new Error("no PostgreSQL here (apt-get install postgresql)");
if (!hasRedis()) throw new Error("no Redis here (apt-get install redis-server)");
process.env.FEDLODROP_HOST_KEY = "bench-of-a-crowd";
const work = await mkdtemp(join(tmpdir(), "fedlodrop-crowd-"));

const megabytesOf = async ({ process: { pid } }: Launched): Promise<number> =>
  (Number((await readFile(`/proc/${pid}/statm`, "utf8")).split(" ")[1]) * PAGE_BYTES) / 1e6;

/** Of all its threads, since it began. */
async function processorSeconds({ process: { pid } }: Launched): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, "utf8")).replace(/^.*\) /, "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

async function sumOf(all: readonly Launched[], of: (one: Launched) => Promise<number>): Promise<number> {
  return (await Promise.all(all.map(of))).reduce((sum, value) => sum + value, 0);
}

const percentile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))] as number;

/** Devices that are ready, by what an operator watches. */
async function readyAt(url: string, key: string): Promise<number> {
  const answer = await fetch(new URL("/metrics", url), { headers: { authorization: `Bearer ${key}` } });
  return Number(/fedlodrop_participants\{presence="ready"\} (\d+)/.exec(await answer.text())?.[1] ?? 0);
}

/** Rounds that have closed. */
async function roundAt(url: string): Promise<number> {
  const answer = await fetch(new URL("/healthz", url));
  return ((await answer.json()) as { readonly round: number }).round;
}

async function measure(devices: number): Promise<void> {
  const [postgres, redis] = [await openPostgres(binaries as string), await openRedis()];
  const address = await postgres.database();
  const model = flags.model ?? join(work, "model");
  if (flags.model === undefined) await writeTinyModel(model);
  const common = ["--postgres", address, "--redis", redis.address, "--run", "crowd"];
  const settings = [
    ...["--model", model, "--rank", flags.rank, "--rounds", `${rounds}`, "--dropout", "0.3", "--seed", "7"],
    ...["--quorum", "1", "--max-participants", `${devices}`, "--deadline", "600", "--method", "fixed"],
  ];
  const owner = launch(await freePort(), [...common, "--role", "owner", ...settings]);
  const { url: ownerUrl } = await owner.listening();
  const gateways: Launched[] = [];
  const urls: string[] = [];
  for (let k = 0; k < gatewayCount; k++) {
    const port = await freePort();
    gateways.push(launch(port, [...common, "--role", "gateway"]));
    urls.push(`http://127.0.0.1:${port}/`);
    await secondsUntilBack(urls[k] as string, "/readyz");
  }
  const crowd: ChildProcess[] = [];
  const faults: string[] = [];
  try {
    const empty = [await sumOf(gateways, megabytesOf), await megabytesOf(owner)] as const;
    const since = performance.now();
    const inRounds: number[] = [];
    const joined = await Promise.all(
      Array.from({ length: processes }, (_, k) => {
        const child = fork(fileURLToPath(new URL("crowd-process.ts", import.meta.url)));
        crowd.push(child);
        const [from, to] = [k, k + 1].map((at) => Math.floor((at * devices) / processes)) as [number, number];
        const order = { urls, first: from, count: to - from, atOnce: JOINS_AT_ONCE, answerSeconds: 600 };
        child.send(order satisfies CrowdOrder);
        return new Promise<readonly number[]>((resolve, reject) => {
          child.on("exit", (code) => reject(new Error(`devices ${from} to ${to} ended with ${code}`)));
          child.on("message", (news: CrowdNews) => {
            if (news.kind === "joined") return resolve(news.seconds);
            for (const seconds of news.seconds) inRounds.push(seconds);
            faults.push(...news.faults);
          });
        });
      }),
    );
    const key = process.env.FEDLODROP_HOST_KEY as string;
    const allReady = async (): Promise<boolean> => (await readyAt(ownerUrl, key)) >= devices;
    await until(`${devices} devices are ready`, allReady, 120 + SECONDS_PER_DEVICE * devices, 1.1);
    const secondsToJoin = (performance.now() - since) / 1000;
    await pause(2);
    const full = [await sumOf(gateways, megabytesOf), await megabytesOf(owner)] as const;
    const kilobytes = full.map((megabytes, k) => (1000 * (megabytes - (empty[k] as number))) / devices);
    const before = [await sumOf(gateways, processorSeconds), await processorSeconds(owner)] as const;
    const host = await connectHost(urls[0] as string, key);
    await host.command({ kind: "start" });
    host.close();
    const lengths: number[] = [];
    let from = performance.now();
    for (let round = 1; round <= rounds; round++) {
      await until(`the end of round ${round}`, async () => (await roundAt(ownerUrl)) >= round, ROUND_SECONDS);
      lengths.push((performance.now() - from) / 1000);
      from = performance.now();
    }
    const spent = [await sumOf(gateways, processorSeconds), await processorSeconds(owner)] as const;
    const each = spent.map((seconds, k) => (1000 * (seconds - (before[k] as number))) / (rounds * devices));
    await pause(3);
    const receipts = await receiptsAt(address);
    const expected = rounds * devices;
    const two = (seconds: readonly number[]): string =>
      `${percentile(seconds, 0.5).toFixed(2)} s in the middle and ${percentile(seconds, 0.99).toFixed(2)} s at 99 %`;
    process.stdout.write(
      `${devices} devices at ${gatewayCount} gateways: all ready after ${secondsToJoin.toFixed(0)} s, ` +
        `a join ${two(joined.flat())}; memory each: gateways ${kilobytes[0]?.toFixed(0)} kB, owner ${kilobytes[1]?.toFixed(0)} kB; ` +
        `a round of no work ${percentile(lengths, 0.5).toFixed(1)} s, the longest ${Math.max(...lengths).toFixed(1)} s, ` +
        `for a device ${two(inRounds)}; processor time a device and round: gateways ${each[0]?.toFixed(1)} ms, ` +
        `owner ${each[1]?.toFixed(1)} ms; ${(receipts.bytes / receipts.all / 1000).toFixed(1)} kB up each; ` +
        `${receipts.all} receipts of ${expected}; ${faults.length} faults${faults[0] ? `, such as ${faults[0]}` : ""}\n`,
    );
    if (receipts.all !== expected || receipts.different !== receipts.all) process.exitCode = 1;
  } catch (error) {
    const said = [owner, ...gateways].map((one) => one.output().slice(-1500)).join("\n---\n");
    throw new Error(`${(error as Error).message}\n${faults.slice(0, 5).join("\n")}\n${said}`);
  } finally {
    for (const child of crowd) child.removeAllListeners("exit").kill("SIGKILL");
    for (const each of [owner, ...gateways]) await end(each, "SIGKILL");
    await redis.close();
    await postgres.close();
  }
}

try {
  for (const devices of flags.devices.split(",")) await measure(Number(devices));
} finally {
  await rm(work, { recursive: true, force: true });
}
process.exit();
