/** A Redis of the distribution's packages, on a free port of this machine, in a folder that is gone afterwards. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { Redis } from "ioredis";

export interface TestRedis {
  readonly address: string;
  start(): Promise<void>;
  stop(signal: NodeJS.Signals): Promise<void>;
  /** As a server that has lost its disk: all that it knew is gone. */
  forget(): Promise<void>;
  close(): Promise<void>;
}

export const hasRedis = (): boolean => spawnSync("redis-server", ["--version"]).status === 0;

export async function openRedis(): Promise<TestRedis> {
  const folder = await mkdtemp(join(tmpdir(), "fedlodrop-redis-"));
  const port = await freePort();
  const address = `redis://127.0.0.1:${port}`;
  let server: ChildProcess | null = null;

  async function start(): Promise<void> {
    const flags = ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", folder, "--appendonly", "yes"];
    server = spawn("redis-server", [...flags, "--save", ""], { stdio: "ignore" });
    const client = new Redis(address, { maxRetriesPerRequest: null, retryStrategy: () => 50 });
    client.on("error", () => {});
    await client.ping();
    client.disconnect();
  }

  async function stop(signal: NodeJS.Signals): Promise<void> {
    if (server === null || server.exitCode !== null || server.signalCode !== null) return;
    server.kill(signal);
    await once(server, "exit");
  }

  await start();
  return {
    address,
    start,
    stop,
    async forget() {
      const client = new Redis(address);
      await client.flushall();
      client.disconnect();
      await setTimeout(0);
    },
    async close() {
      await stop("SIGKILL");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await once(probe.listen(0, "127.0.0.1"), "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}
