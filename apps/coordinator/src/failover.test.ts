import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { start } from "./app.fixture.ts";
import { inOrder, people, settings, takePart, UNHURRIED, uninterrupted } from "./resume.fixture.ts";
import { openDatabase } from "./store/postgres/database.ts";
import { findPostgres, openPostgres, type TestServer } from "./store/postgres/postgres.fixture.ts";
import { createRunDatabase } from "./store/postgres/run-database.ts";

const binaries = findPostgres();

describe.skipIf(binaries === null)(
  "a run in PostgreSQL whose coordinator dies (needs the package postgresql)",
  () => {
    let server: TestServer;
    beforeAll(async () => {
      server = await openPostgres(binaries as string);
    }, 120_000);
    afterAll(() => server?.close());

    it("is finished by another one from within the round, to the same adapter", {
      timeout: 60_000,
    }, async () => {
      const whole = await uninterrupted();
      const address = await server.database();
      const open = async (lastsMs: number, renewMs: number) =>
        createRunDatabase(await openDatabase(address), "hall", { times: { lastsMs, renewMs } });

      // It never says that it is there, as if it had been killed at once.
      const silent = await open(1_000, 3_600_000);
      const first = await start(settings, { store: silent, limits: UNHURRIED });
      const all = people();
      const [ada, ben] = all as [(typeof all)[0], (typeof all)[0]];
      ben.stalls = true;
      const parts = await inOrder(first.url, all);
      for (const part of parts) part.catch(() => {});
      await expect.poll(() => first.coordinator.state.readyCount, { interval: 2 }).toBe(2);
      await first.coordinator.command({ kind: "start" });
      await expect.poll(() => ada.acknowledged.has(1), { timeout: 10_000 }).toBe(true);
      first.abandon();

      const store = await open(4_000, 1_000);
      await store.standBy(() => {});
      const stored = await store.load();
      const { hostKey } = stored.checkpoint;
      ben.stalls = false;
      const { coordinator, url } = await start({}, { store, stored, hostKey, limits: UNHURRIED });
      await Promise.all(all.map((one) => takePart(url, one)));
      expect([...coordinator.adapter]).toEqual([...whole.adapter]);
      expect(all.flatMap(({ faults }) => faults)).toEqual([]);
      const receipts = await database(
        address,
        "SELECT round, participant FROM fedlodrop.receipts ORDER BY 1, 2",
      );
      expect(receipts).toEqual(
        [1, 2].flatMap((round) => ["p1", "p2"].map((participant) => ({ round, participant }))),
      );
      await coordinator.close();
      await silent.close();
    });
  },
);

async function database(address: string, text: string): Promise<unknown[]> {
  const opened = await openDatabase(address);
  const { rows } = await opened.transact((client) => client.query(text));
  await opened.close();
  return rows;
}
