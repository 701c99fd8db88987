import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { adapterOf, checkpointOf, chunks, entryOf, recordOf } from "../stored-run.fixture.ts";
import { openDatabase } from "./database.ts";
import { listRuns, readResults } from "./kept-runs.ts";
import { ask, findPostgres, openPostgres, type TestServer } from "./postgres.fixture.ts";
import { writeQuotas } from "./quotas.ts";
import { createRunDatabase } from "./run-database.ts";

const binaries = findPostgres();
/** A lease that a busy machine does not lose by accident. */
const LONG = { lastsMs: 60_000, renewMs: 100 };

describe.skipIf(binaries === null)("runs of a database (needs the package postgresql)", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await openPostgres(binaries as string);
  }, 120_000);
  afterAll(() => server?.close());

  const open = async (address: string, name = "hall", times = LONG) =>
    createRunDatabase(await openDatabase(address), name, { times });

  it("shows whoever looks what there is, and gives the results of a run that has some", async () => {
    const address = await server.database();
    const store = await open(address);
    await store.begin(checkpointOf(0), adapterOf(0));
    const looking = await openDatabase(address);
    await expect(readResults(looking, "hall")).rejects.toThrow(/run "hall" has no results yet/);
    await expect(readResults(looking, "none")).rejects.toThrow(/there is no run "none"/);
    await store.checkpoint(checkpointOf(1), adapterOf(1), [recordOf(1)]);
    await store.results(chunks('{"a":', "1}"), Uint8Array.of(7));
    const { report, adapterFile, rounds } = await readResults(looking, "hall");
    expect([report, [...adapterFile], rounds]).toEqual(['{"a":1}', [7], [recordOf(1)]]);
    await store.begin({ ...checkpointOf(0), runId: "run-2" }, adapterOf(0));
    const [later, earlier] = await listRuns(looking);
    expect(later).toMatchObject({ name: "hall", runId: "run-2", round: 0, state: "starting", devices: null });
    expect(later?.owner).toMatch(/^process \d+ of/);
    expect(earlier).toMatchObject({
      runId: "run-1",
      round: 1,
      state: "replaced by a later run",
      owner: null,
    });
    const status = { phase: "training", round: 3, rounds: 8, devices: 5, url: "http://hall/" };
    store.show(() => status);
    const { phase, ...shown } = status;
    await expect
      .poll(async () => (await store.list())[0], { timeout: 30_000 })
      .toMatchObject({ ...shown, state: phase });
    await store.close();
    expect((await listRuns(looking))[0]).toMatchObject({
      owner: null,
      url: null,
      state: "waits for a coordinator",
    });
    await looking.close();
  });

  it("takes no more runs at a time than its quota, but lets those go on that it has", async () => {
    const address = await server.database();
    const first = await open(address, "hall", { lastsMs: 300, renewMs: 3_600_000 });
    await first.begin(checkpointOf(0), adapterOf(0));
    const looking = await openDatabase(address);
    await looking.transact((client) => writeQuotas(client, { runs: 1, bytes: 5e12 }));
    expect(await first.quotas()).toEqual({ runs: 1, devices: null, bytes: 5e12 });
    const second = await open(address, "lab");
    await expect(second.begin(checkpointOf(0), adapterOf(0))).rejects.toThrow(
      /run "lab": 1 runs are going on, of 1 that the quota allows; wait/,
    );
    // Others that count hold nobody up who only looks for the end of a lease.
    const counting = new Client({ connectionString: address });
    await counting.connect();
    await counting.query("SELECT pg_advisory_lock(7012079)");
    const standBy = await open(address, "hall", { lastsMs: 60_000, renewMs: 3_600_000 });
    await standBy.standBy(() => {});
    await standBy.load();
    const another = await open(address, "hall");
    await expect(another.load()).rejects.toThrow(/writes there/);
    await counting.end();
    // Who was silent for longer than its room is kept has to go when another run takes that.
    await ask(address, "UPDATE fedlodrop.places SET held_until = held_until - interval '10 minutes'");
    // The server may have started a moment ago.
    const begun = (): Promise<string> =>
      second.begin(checkpointOf(0), adapterOf(0)).then(
        () => "begun",
        ({ message }: Error) => message,
      );
    await expect.poll(begun, { timeout: 30_000, interval: 500 }).toBe("begun");
    void standBy.append(entryOf(1));
    expect(await standBy.ousted).toMatch(/or another run has its room in the quota; this one ends/);
    await expect(another.load()).rejects.toThrow(/run "hall": 1 runs are going on/);
    for (const each of [standBy, another]) await each.close();
    await looking.transact((client) => writeQuotas(client, { runs: null }));
    expect(await second.quotas()).toMatchObject({ runs: null });
    for (const each of [first, second, looking]) await each.close();
  });

  it("changes nothing for whoever only looks", async () => {
    const address = await server.database();
    await expect(openDatabase(address, "look")).rejects.toThrow(/no coordinator has kept a run there yet/);
    expect(await ask(address, "SELECT to_regnamespace('fedlodrop') AS there")).toEqual([{ there: null }]);
  });
});
