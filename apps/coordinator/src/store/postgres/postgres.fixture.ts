/** A PostgreSQL of the distribution's packages, on a free port of this machine, in a folder that is gone afterwards. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { chmod, chown, mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { Client } from "pg";

export interface TestServer {
  /** Of an empty database that nobody else has. */
  database(): Promise<string>;
  start(): Promise<void>;
  /** @param signal SIGKILL is a power cut for it, SIGQUIT ends it at once, SIGINT politely */
  stop(signal: NodeJS.Signals): Promise<void>;
  close(): Promise<void>;
}

/** Folder with `initdb` and `postgres`; null where the package is missing. */
export function findPostgres(): string | null {
  const base = "/usr/lib/postgresql";
  const versions = existsSync(base) ? readdirSync(base).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = versions.map((version) => join(base, version, "bin"));
  return folders.find((folder) => existsSync(join(folder, "initdb"))) ?? null;
}

/** The server refuses to run as root; whoever that is becomes nobody. */
const NOBODY = 65_534;
const asNobody = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};

export async function openPostgres(binaries: string): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), "fedlodrop-postgres-"));
  await chmod(folder, 0o700);
  if (asNobody.uid !== undefined) await chown(folder, NOBODY, NOBODY);
  const data = join(folder, "data");
  const made = spawnSync(
    join(binaries, "initdb"),
    ["-D", data, "-U", "tester", "--auth=trust", "-E", "UTF8", "--no-locale", "--no-sync"],
    { ...asNobody, cwd: folder, encoding: "utf8" },
  );
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
  const port = await freePort();
  const addressOf = (name: string): string => `postgres://tester@127.0.0.1:${port}/${name}`;
  let server: ChildProcess | null = null;
  let said = "";
  let databases = 0;

  function spawnServer(): void {
    said = "";
    server = spawn(
      join(binaries, "postgres"),
      [
        "-D",
        data,
        "-p",
        `${port}`,
        "-h",
        "127.0.0.1",
        "-k",
        "",
        "-c",
        "fsync=off",
        "-c",
        "shared_buffers=16MB",
      ],
      { ...asNobody, cwd: folder, stdio: ["ignore", "ignore", "pipe"] },
    );
    server.stderr?.on("data", (text: Buffer) => {
      said += text;
    });
  }

  async function start(): Promise<void> {
    spawnServer();
    for (let tries = 0; ; tries++) {
      const client = new Client({ connectionString: addressOf("postgres") });
      client.on("error", () => {});
      const up = await client.connect().then(
        () => true,
        () => false,
      );
      await client.end().catch(() => {});
      if (up) return;
      if (tries > 600) throw new Error(`PostgreSQL did not start within a minute: ${said.slice(-2000)}`);
      await setTimeout(100);
      // What a killed one has left behind may still be in use for a moment.
      if (server?.exitCode !== null) spawnServer();
    }
  }

  async function stop(signal: NodeJS.Signals): Promise<void> {
    if (server === null || server.exitCode !== null || server.signalCode !== null) return;
    server.kill(signal);
    await once(server, "exit");
  }

  await start();
  return {
    async database() {
      const name = `test_${++databases}`;
      const client = new Client({ connectionString: addressOf("postgres") });
      await client.connect();
      await client.query(`CREATE DATABASE ${name}`);
      await client.end();
      return addressOf(name);
    },
    start,
    stop,
    async close() {
      await stop("SIGQUIT");
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
