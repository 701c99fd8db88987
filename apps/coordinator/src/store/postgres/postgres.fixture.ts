/** A PostgreSQL of the distribution's packages, on a free port of this machine, in a folder that is gone afterwards. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { appendFile, chmod, chown, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { createDaemon, type Daemon, freePort, LOOPBACK, type Premises } from "../../daemon.fixture.ts";

/** SIGKILL is a power cut for it, SIGQUIT ends it at once, SIGINT politely. */
export interface TestServer extends Daemon {
  /** Of an empty database that nobody else has. */
  database(): Promise<string>;
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
const isRoot = process.getuid?.() === 0;
const asNobody = isRoot ? { uid: NOBODY, gid: NOBODY } : {};
/** The same behind a command that only root may give. */
const BECOME_NOBODY = ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];

export async function openPostgres(
  binaries: string,
  { host, inside }: Premises = LOOPBACK,
): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), "fedlodrop-postgres-"));
  await chmod(folder, 0o700);
  if (isRoot) await chown(folder, NOBODY, NOBODY);
  const data = join(folder, "data");
  const made = spawnSync(
    join(binaries, "initdb"),
    ["-D", data, "-U", "tester", "--auth=trust", "-E", "UTF8", "--no-locale", "--no-sync"],
    { ...asNobody, cwd: folder, encoding: "utf8" },
  );
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
  if (host !== LOOPBACK.host) await appendFile(join(data, "pg_hba.conf"), "host all all samenet trust\n");
  const port = await freePort();
  const addressOf = (name: string): string => `postgres://tester@${host}:${port}/${name}`;
  let databases = 0;

  const daemon = createDaemon({
    name: "PostgreSQL",
    spawn() {
      const [program, ...args] = [
        ...[...inside, ...(inside.length > 0 ? BECOME_NOBODY : []), join(binaries, "postgres"), "-D", data],
        ...["-p", `${port}`, "-h", host, "-k", "", "-c", "fsync=off", "-c", "shared_buffers=16MB"],
      ] as [string, ...string[]];
      const who = inside.length > 0 ? {} : asNobody;
      return spawn(program, args, { ...who, cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
    },
    answers: () =>
      ask(addressOf("postgres"), "SELECT 1").then(
        () => true,
        () => false,
      ),
  });
  await daemon.start();
  return {
    ...daemon,
    async database() {
      const name = `test_${++databases}`;
      await ask(addressOf("postgres"), `CREATE DATABASE ${name}`);
      return addressOf(name);
    },
    async close() {
      await daemon.stop("SIGQUIT");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Rows of one question, over a connection of its own. */
export async function ask(address: string, text: string) {
  const client = new Client({ connectionString: address });
  client.on("error", () => {});
  try {
    await client.connect();
    return (await client.query(text)).rows;
  } finally {
    await client.end().catch(() => {});
  }
}
