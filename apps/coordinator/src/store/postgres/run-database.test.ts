import type { Socket } from "node:net";
import { setTimeout } from "node:timers/promises";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openFakePostgres } from "../../fake-servers.fixture.ts";
import { runStoreChecks } from "../run-store.contract.ts";
import { adapterOf, checkpointOf, chunks, entryOf, numberOf, recordOf } from "../stored-run.fixture.ts";
import { openDatabase } from "./database.ts";
import { migrate } from "./migrations.ts";
import { ask, findPostgres, openPostgres, type TestServer } from "./postgres.fixture.ts";
import { createRunDatabase } from "./run-database.ts";

const binaries = findPostgres();
/** A lease that a busy machine does not lose by accident. */
const LONG = { lastsMs: 60_000, renewMs: 100 };

describe.skipIf(binaries === null)("a run in PostgreSQL (needs the package postgresql)", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await openPostgres(binaries as string);
  }, 120_000);
  afterAll(() => server?.close());

  const openAt = async (address: string, times = LONG) =>
    createRunDatabase(await openDatabase(address), "hall", { times });

  runStoreChecks("PostgreSQL", async () => {
    const address = await server.database();
    const database = await openDatabase(address);
    await database.close();
    return {
      open: () => openAt(address),
      clean: async () => {},
    };
  });

  it("has one writer, and tells who that is", async () => {
    const address = await server.database();
    const first = await openAt(address);
    await first.begin(checkpointOf(0), adapterOf(0));
    const second = await openAt(address);
    await expect(second.load()).rejects.toThrow(/run "hall": process \d+ of .* writes there; choose another/);
    await second.close();
    await first.close();
  });

  it("goes to a stand-by when its writer falls silent, and takes nothing more from that one", async () => {
    const address = await server.database();
    const first = await openAt(address, { lastsMs: 300, renewMs: 60_000 });
    await first.begin(checkpointOf(0), adapterOf(0));
    await first.append(entryOf(1));
    const second = await openAt(address);
    await second.standBy(() => {});
    let isKept = false;
    void first.append(entryOf(2)).then(() => {
      isKept = true;
    });
    expect(await first.ousted).toMatch(/another coordinator has taken over/);
    const { entries } = await second.load();
    expect(entries.map(({ entry }) => numberOf(entry))).toEqual([1]);
    await second.append(entryOf(3));
    expect(isKept).toBe(false);
    expect((await ask(address, "SELECT count(*)::int AS n FROM fedlodrop.entries"))[0].n).toBe(2);
    await second.close();
    await first.close();
  });

  /** One that has a run, and one that stands by for it: neither can do its work for now. */
  async function bothUnfit(times: { lastsMs: number; renewMs: number }) {
    const address = await server.database();
    let unfit: string | null = null;
    const open = async () =>
      createRunDatabase(await openDatabase(address), "hall", { times, unfit: () => unfit });
    const writer = await open();
    await writer.begin(checkpointOf(0), adapterOf(0));
    unfit = "Redis is silent";
    const waits: string[] = [];
    const other = await open();
    const takesOver = other.standBy((reason) => waits.push(reason));
    await expect.poll(() => waits, { timeout: 30_000 }).toEqual(["Redis is silent"]);
    const recover = (): void => {
      unfit = null;
    };
    return { address, writer, other, takesOver, waits, recover };
  }

  it("is offered by a writer that cannot do its work, long before its lease ends, to whoever can", async () => {
    const { address, writer, other, takesOver, recover } = await bothUnfit({ lastsMs: 60_000, renewMs: 20 });
    // Nobody can: the place stays where it was, however long that takes, and its holder is not taken for a crashed one.
    await writer.append(entryOf(1));
    await ask(address, "UPDATE fedlodrop.places SET held_until = held_until - interval '10 minutes'");
    const isRecent =
      "SELECT held_until > clock_timestamp() - interval '1 minute' AS now FROM fedlodrop.places";
    await expect.poll(async () => (await ask(address, isRecent))[0].now, { timeout: 30_000 }).toBe(true);
    const able = await openAt(address);
    await able.standBy(() => {});
    recover();
    expect(await writer.ousted).toMatch(/another coordinator has taken over/);
    await able.close();
    await takesOver;
    await other.close();
    await writer.close();
  });

  it("goes on with its writer when what both had missed is back", { timeout: 60_000 }, async () => {
    const { address, writer, other, takesOver, waits, recover } = await bothUnfit({
      lastsMs: 60_000,
      renewMs: 300,
    });
    const isOffered = "SELECT held_until < clock_timestamp() AS now FROM fedlodrop.places";
    await expect.poll(async () => (await ask(address, isOffered))[0].now, { timeout: 30_000 }).toBe(true);
    recover();
    await expect
      .poll(() => waits, { timeout: 30_000 })
      .toEqual(["Redis is silent", expect.stringMatching(/has the run "hall"$/)]);
    await writer.append(entryOf(1));
    await writer.close();
    await takesOver;
    await other.close();
  });

  it("stands by while the server is away", { timeout: 60_000 }, async () => {
    const address = await server.database();
    const first = await openAt(address);
    await first.begin(checkpointOf(0), adapterOf(0));
    const second = await openAt(address);
    let hasIt = false;
    const holders: string[] = [];
    const standing = second
      .standBy((holder) => holders.push(holder))
      .then(() => {
        hasIt = true;
      });
    await expect
      .poll(() => holders, { timeout: 20_000 })
      .toEqual([expect.stringMatching(/^process \d+ of .* has the run "hall"$/)]);
    await server.stop("SIGKILL");
    await setTimeout(500);
    expect(hasIt).toBe(false);
    await server.start();
    await first.close();
    await standing;
    expect((await second.load()).checkpoint).toEqual(checkpointOf(0));
    await second.close();
  });

  it("tries again what the server refuses for a while", { timeout: 60_000 }, async () => {
    const address = await server.database();
    const store = await openAt(address);
    await store.begin(checkpointOf(0), adapterOf(0));
    await ask(address, "ALTER TABLE fedlodrop.entries RENAME TO away");
    const kept = store.append(entryOf(1));
    await expect.poll(() => store.trouble, { timeout: 10_000 }).toMatch(/entries" does not exist/);
    await ask(address, "ALTER TABLE fedlodrop.away RENAME TO entries");
    await kept;
    expect(store.trouble).toBeNull();
    await store.close();
  });

  it("waits for a server that is killed, and loses nothing", { timeout: 120_000 }, async () => {
    const address = await server.database();
    const store = await openAt(address);
    await store.begin(checkpointOf(0), adapterOf(0));
    await store.append(entryOf(1));
    await server.stop("SIGKILL");
    const kept = [store.append(entryOf(2)), store.checkpoint(checkpointOf(1), adapterOf(1), [recordOf(1)])];
    await expect
      .poll(() => store.trouble, { timeout: 30_000 })
      .toMatch(/the run waits for its store: Postgre/);
    await server.start();
    await Promise.all(kept);
    expect(store.trouble).toBeNull();
    await store.close();
    const again = await openAt(address);
    const { checkpoint, records } = await again.load();
    expect(checkpoint.snapshot.roundsDone).toBe(1);
    expect(records).toEqual([recordOf(1)]);
    await again.close();
  });

  it("is not held up by a holder that froze in the middle of a write", { timeout: 60_000 }, async () => {
    const address = await server.database();
    const first = await openAt(address, { lastsMs: 300, renewMs: 3_600_000 });
    await first.begin(checkpointOf(0), adapterOf(0));
    // A program that stops between its look at the fence and its commit.
    const frozen = new Client({ connectionString: address });
    frozen.on("error", () => {});
    await frozen.connect();
    await frozen.query("BEGIN; SET LOCAL idle_in_transaction_session_timeout = 2000");
    await frozen.query("SELECT 1 FROM fedlodrop.places WHERE name = 'hall' FOR SHARE");
    // Of its next statement the server gets the beginning.
    const beginning = Buffer.alloc(1000, " ");
    beginning.write("Q");
    beginning.writeUInt32BE(100_000, 1);
    (frozen as unknown as { connection: { stream: Socket } }).connection.stream.write(beginning);
    const second = await openAt(address);
    await second.standBy(() => {});
    await expect(frozen.query("COMMIT")).rejects.toThrow();
    expect((await second.load()).checkpoint).toEqual(checkpointOf(0));
    await second.close();
    await first.close();
  });

  it("does a transaction anew that its server has ended meanwhile, as one of a process that was busy", async () => {
    const address = await server.database();
    const database = await openDatabase(address);
    let tries = 0;
    const answer = await database.transact(async (client) => {
      tries += 1;
      const { rows } = await client.query("SELECT pg_backend_pid() AS pid");
      if (tries === 1) await ask(address, `SELECT pg_terminate_backend(${rows[0].pid})`);
      return (await client.query("SELECT 7 AS seven")).rows[0].seven;
    });
    expect([answer, tries]).toEqual([7, 2]);
    await database.close();
  });

  it("tells a new run's entries once, though the server went away while it began", {
    timeout: 60_000,
  }, async () => {
    const address = await server.database();
    const store = await openAt(address);
    await store.begin(checkpointOf(0), adapterOf(0));
    await server.stop("SIGKILL");
    const begun = store.begin({ ...checkpointOf(0), runId: "run-2" }, adapterOf(0));
    const appended = store.append(entryOf(1));
    const written = store.checkpoint({ ...checkpointOf(1), runId: "run-2" }, adapterOf(1), [recordOf(1)]);
    await server.start();
    await Promise.all([begun, appended]);
    expect(await written).toBe(false);
    await store.checkpoint({ ...checkpointOf(1), runId: "run-2" }, adapterOf(1), []);
    await store.close();
    const again = await openAt(address);
    const { checkpoint, entries, records } = await again.load();
    expect([checkpoint.runId, checkpoint.snapshot.roundsDone, records]).toEqual(["run-2", 1, [recordOf(1)]]);
    expect(entries).toEqual([]);
    await again.close();
  });

  it("does not fail to be closed because a report cannot be read", async () => {
    const store = await openAt(await server.database());
    await store.begin(checkpointOf(0), adapterOf(0));
    // biome-ignore lint/correctness/useYield: it fails before
    const unreadable = async function* (): AsyncIterable<string> {
      throw new Error("a round is missing");
    };
    await store.results(unreadable(), Uint8Array.of(1));
    expect(store.trouble).toMatch(/a round is missing/);
    await store.results(chunks("{}"), Uint8Array.of(1));
    expect(store.trouble).toBeNull();
    await store.close();
  });

  it("keeps a receipt of every update, and of each once", async () => {
    const address = await server.database();
    const store = await openAt(address);
    await store.begin(checkpointOf(0), adapterOf(0));
    const statistics = { sampleCount: 1, steps: 1, lossSum: 1 } as never;
    await store.append(
      {
        kind: "event",
        event: { kind: "update-arrived", participantId: "p1", round: 3, statistics, atMs: 1 },
      },
      Uint8Array.of(1, 2, 3),
    );
    expect(
      await ask(address, "SELECT round, participant, bytes, left(sha256, 8) AS d FROM fedlodrop.receipts"),
    ).toEqual([{ round: 3, participant: "p1", bytes: 3, d: "039058c6" }]);
    await store.close();
  });

  it("says what is damaged, and goes on from the checkpoint before when told to", async () => {
    const address = await server.database();
    let store = await openAt(address);
    await store.begin(checkpointOf(0), adapterOf(0));
    await store.append(entryOf(1));
    await store.checkpoint(checkpointOf(1), adapterOf(1), [recordOf(1)]);
    await store.close();
    await ask(address, "UPDATE fedlodrop.checkpoints SET body = body || ' ' WHERE number = 1");
    store = await openAt(address);
    const found = await store.load();
    expect(found.notices).toEqual(["checkpoint 1: its checksum is not that of its content"]);
    expect(found.entries.map(({ entry }) => numberOf(entry))).toEqual([1]); // nothing is lost
    await store.close();
    await ask(address, "UPDATE fedlodrop.entries SET number = 7");
    store = await openAt(address);
    await expect(store.load()).rejects.toThrow(
      /entry 1 is missing; it can go on from round 0 .*--resume-from/,
    );
    expect((await store.load({ fromPrevious: true })).entries).toEqual([]);
    await store.close();
  });

  it("refuses what is no address, nobody's, or another program's, in one line", async () => {
    await expect(openDatabase("here")).rejects.toThrow(
      "expected a PostgreSQL address as postgres://USER@HOST",
    );
    await expect(openDatabase("postgres://a:secret@127.0.0.1:1/x")).rejects.toThrow(
      /^PostgreSQL 127\.0\.0\.1:1\/x: nobody listens there \(ECONNREFUSED\)$/,
    );
    const old = await openFakePostgres("110022");
    await expect(openDatabase(`postgres://a@127.0.0.1:${old.port}/x`)).rejects.toThrow(
      /^PostgreSQL 127\.0\.0\.1:\d+\/x: expected PostgreSQL 12 or newer, got 11$/,
    );
    old.close();
    const address = await server.database();
    await expect(openDatabase(address.replace(/\w+$/, "none"))).rejects.toThrow(
      /database "none" does not exist/,
    );
    await (await openDatabase(address)).close();
    await ask(address, "INSERT INTO fedlodrop.migrations (number) VALUES (99)");
    await expect(openDatabase(address)).rejects.toThrow(
      /tables are of a newer program \(version 4; this one/,
    );
  });

  it("undoes a migration that fails, whole", async () => {
    const database = await openDatabase(await server.database());
    const failing = (client: Parameters<typeof migrate>[0]) =>
      migrate(client, ["", "", "", "CREATE TABLE fedlodrop.extra (a int); SELECT 1/0"]);
    await expect(database.transact(failing)).rejects.toThrow(
      /migration 4 failed, and nothing was changed: division by zero/,
    );
    const tables = await database.transact((client) =>
      client.query("SELECT to_regclass('fedlodrop.extra') AS extra"),
    );
    expect(tables.rows).toEqual([{ extra: null }]);
    await database.close();
  });
});
