/** A Redis of the distribution's packages, on a free port of this machine, in a folder that is gone afterwards. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { createDaemon, type Daemon, freePort, LOOPBACK, type Premises } from "../daemon.fixture.ts";

export interface TestRedis extends Daemon {
  readonly address: string;
  /** As a server that has lost its disk: all that it knew is gone. */
  forget(): Promise<void>;
  close(): Promise<void>;
}

export const hasRedis = (): boolean => spawnSync("redis-server", ["--version"]).status === 0;

export async function openRedis({ host, inside }: Premises = LOOPBACK): Promise<TestRedis> {
  const folder = await mkdtemp(join(tmpdir(), "fedlodrop-redis-"));
  const port = await freePort();
  const address = `redis://${host}:${port}`;

  async function tell(command: "ping" | "flushall"): Promise<void> {
    const client = new Redis(address, { lazyConnect: true, retryStrategy: () => null });
    client.on("error", () => {});
    try {
      await client.connect();
      await client.call(command);
    } finally {
      client.disconnect();
    }
  }

  const daemon = createDaemon({
    name: "Redis",
    spawn() {
      const [program, ...args] = [
        ...[...inside, "redis-server", "--port", `${port}`, "--bind", host, "--protected-mode", "no"],
        ...["--dir", folder, "--appendonly", "yes", "--save", ""],
      ] as [string, ...string[]];
      return spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
    },
    answers: () =>
      tell("ping").then(
        () => true,
        () => false,
      ),
  });
  await daemon.start();
  return {
    ...daemon,
    address,
    forget: () => tell("flushall"),
    async close() {
      await daemon.stop("SIGKILL");
      await rm(folder, { recursive: true, force: true });
    },
  };
}
