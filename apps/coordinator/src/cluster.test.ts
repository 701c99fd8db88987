import type { AddressInfo } from "node:net";
import type { RunConfig } from "@fedlodrop/run";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { device, type FakeParticipant, open, participate, phase, start, workload } from "./app.fixture.ts";
import { systemClock } from "./clock.ts";
import type { CoordinatorOptions } from "./coordinator.ts";
import { buildGateway, type GatewayOptions } from "./gateway/gateway.ts";
import { hasRedis, openRedis, type TestRedis } from "./gateway/redis.fixture.ts";
import { openMail } from "./gateway/redis.ts";
import { type Person, people, settings, takePart, UNHURRIED, uninterrupted } from "./resume.fixture.ts";
import { participateSecurely, type SecureScript } from "./secure-participant.fixture.ts";
import { expectRound, SECURELY } from "./secure-run.fixture.ts";
import { openDatabase } from "./store/postgres/database.ts";
import { findPostgres, openPostgres, type TestServer } from "./store/postgres/postgres.fixture.ts";
import { createRunDatabase } from "./store/postgres/run-database.ts";
import { keepUpload, type UploadKey } from "./store/postgres/uploads.ts";

const binaries = findPostgres();
const POLL = { interval: 5, timeout: 60_000 } as const;

describe.skipIf(binaries === null || !hasRedis())(
  "a run whose participants are at gateways (needs the packages postgresql and redis-server)",
  { timeout: 120_000 },
  () => {
    let postgres: TestServer;
    let redis: TestRedis;
    beforeAll(async () => {
      // One after the other: each takes a port that is free.
      postgres = await openPostgres(binaries as string);
      redis = await openRedis();
    }, 120_000);
    afterAll(async () => {
      await Promise.all([postgres?.close(), redis?.close()]);
    });

    /** A coordinator that has the run, or goes on with it. */
    async function openOwner(
      place: string,
      address: string,
      { lastsMs = 4_000, renewMs = 1_000 } = {},
      config: Partial<RunConfig> = settings,
      more: Partial<CoordinatorOptions> = {},
    ) {
      const store = createRunDatabase(await openDatabase(address), place, { times: { lastsMs, renewMs } });
      await store.standBy(() => {});
      const stored = (await store.config()) === null ? undefined : await store.load();
      const mail = await openMail(redis.address, place);
      let url = "";
      /** Updates whose bytes were read again, because no gateway had their sums. */
      let readAgain = 0;
      const owner = {
        mail,
        fence: () => store.fence,
        storeId: () => store.id,
        upload: (key: UploadKey) => {
          readAgain += 1;
          return store.upload(key);
        },
        url: () => url,
      };
      const hostKey = stored?.checkpoint.hostKey ?? "key";
      let gateways = 0;
      const log = (line: string): void => {
        if (/^gateway \S+ is there$/.test(line)) gateways += 1;
      };
      const options = { store, owner, hostKey, limits: UNHURRIED, log, ...more };
      const started = await start(stored ? {} : config, { ...options, ...(stored && { stored }) });
      ({ url } = started);
      return {
        ...started,
        get readAgain() {
          return readAgain;
        },
        /** Gateways that have come. */
        get gateways() {
          return gateways;
        },
        /** As when its process is killed. */
        async kill() {
          await mail.close();
          started.abandon();
        },
        store,
      };
    }

    async function openGateway(
      place: string,
      address: string,
      loadFiles: GatewayOptions["loadFiles"] = workload,
    ) {
      const database = await openDatabase(address);
      const mail = await openMail(redis.address, place);
      const gateway = await buildGateway({
        mail,
        loadFiles,
        limits: UNHURRIED,
        keep: (storeId, upload) => keepUpload(database, storeId, upload, () => true),
      });
      open.push(async () => {
        await gateway.close();
        await database.close();
      });
      await gateway.http.listen({ port: 0, host: "127.0.0.1" });
      const url = `http://127.0.0.1:${(gateway.http.server.address() as AddressInfo).port}`;
      return {
        url,
        drain: gateway.drain,
        /** As when its process is killed: nobody hears that it has gone. */
        async kill() {
          await mail.close();
          gateway.http.server.closeAllConnections();
          gateway.http.server.close();
        },
      };
    }

    type Gateway = Awaited<ReturnType<typeof openGateway>>;

    /** Each at a gateway of its own, one after another, so that the first is p1. */
    async function joinAt(urls: readonly string[], all: readonly Person[]): Promise<Promise<void>[]> {
      const parts: Promise<void>[] = [];
      for (const [k, one] of all.entries()) {
        const part = takePart(urls[k % urls.length] as string, one);
        part.catch(() => {}); // its connection may end
        parts.push(part);
        await expect.poll(() => one.identity, POLL).not.toBeNull();
      }
      return parts;
    }

    async function expectReceipts(address: string): Promise<void> {
      const database = await openDatabase(address);
      const { rows } = await database.transact((client) =>
        client.query("SELECT round, participant FROM fedlodrop.receipts ORDER BY 1, 2"),
      );
      await database.close();
      expect(rows).toEqual(
        [1, 2].flatMap((round) => ["p1", "p2"].map((participant) => ({ round, participant }))),
      );
    }

    /** Two gateways, a round in which the first has answered and the second takes its time. */
    async function inTheMiddle(place: string, lease?: { lastsMs: number; renewMs: number }) {
      const whole = await uninterrupted();
      const address = await postgres.database();
      const owner = await openOwner(place, address, lease);
      const gateways = [await openGateway(place, address), await openGateway(place, address)] as const;
      const urls = gateways.map(({ url }) => url);
      const all = people();
      const [ada, ben] = all as [Person, Person];
      let release = (): void => {};
      ben.until = new Promise((resolve) => {
        release = resolve;
      });
      const parts = await joinAt(urls, all);
      await expect.poll(() => owner.coordinator.state.readyCount, POLL).toBe(2);
      await owner.coordinator.command({ kind: "start" });
      await expect.poll(() => ada.acknowledged.has(1), POLL).toBe(true);
      const expectWhole = async (adapter: Float32Array): Promise<void> => {
        expect([...adapter]).toEqual([...whole.adapter]);
        expect(all.flatMap(({ faults }) => faults)).toEqual([]);
        await expectReceipts(address);
      };
      return { address, owner, gateways, urls, all, ada, release, parts, expectWhole };
    }

    it("ends with the adapter of a single process, to the bit, made of the gateways' sums", async () => {
      const { owner, gateways, urls, release, parts, expectWhole } = await inTheMiddle("same");
      // What is not its own it passes on.
      const document = await fetch(new URL("/api/openapi.json", urls[0]));
      for (const path of Object.keys(((await document.json()) as { paths: object }).paths))
        expect((await fetch(new URL(path, urls[0]))).status, path).not.toBe(404);
      // One that is to end takes nobody more, and serves those that it has until the round is over.
      let isDrained = false;
      const drained = gateways[0].drain(600).then(() => {
        isDrained = true;
      });
      const ready = await fetch(new URL("/readyz", urls[0]));
      expect([ready.status, await ready.json()]).toEqual([
        503,
        { ready: false, reason: "the gateway is being closed" },
      ]);
      expect(isDrained).toBe(false);
      release();
      await drained;
      await Promise.all(parts);
      await expectWhole(owner.coordinator.adapter);
      expect(owner.readAgain).toBe(0);
    });

    it("goes on when a gateway is killed: what it had acknowledged counts once", async () => {
      const { address, owner, gateways, ada, release, parts, expectWhole } = await inTheMiddle("gateway");
      await gateways[0].kill();
      const late = await openGateway("gateway", address);
      const again = takePart(late.url, ada);
      const connected = async (): Promise<unknown> => (await fetch(new URL("/healthz", late.url))).json();
      await expect.poll(connected, POLL).toMatchObject({ connected: 1 });
      // Nobody was told of the round here, but who has come is in it.
      let isDrained = false;
      const drained = late.drain(600).then(() => {
        isDrained = true;
      });
      await fetch(new URL("/api/sub-adapter?round=1", late.url), {
        headers: { authorization: `Bearer ${ada.identity?.token}` },
      });
      expect(isDrained).toBe(false);
      release();
      await drained;
      await Promise.all([again, parts[1]]);
      await expectWhole(owner.coordinator.adapter);
      expect(owner.readAgain).toBe(1);
    });

    it("goes on when its owner is killed: another one takes the same gateways", async () => {
      const { address, owner, urls, all, release, expectWhole } = await inTheMiddle("owner", {
        lastsMs: 1_000,
        renewMs: 3_600_000,
      });
      await owner.kill();
      release();
      const next = await openOwner("owner", address);
      // Until then they hold connections that they will close.
      await expect.poll(() => next.gateways, POLL).toBe(2);
      await Promise.all(all.map((one, k) => takePart(urls[k] as string, one)));
      await expectWhole(next.coordinator.adapter);
      await owner.store.close();
    });

    it("passes on what devices say under secure aggregation, and sums up what they have masked", async () => {
      const address = await postgres.database();
      const config = { ...SECURELY, minParticipants: 5 };
      const more = { clock: systemClock, graceSeconds: 2 };
      const { coordinator } = await openOwner("secure", address, {}, config, more);
      const gateways = [await openGateway("secure", address), await openGateway("secure", address)] as const;
      // One loses its connection for a moment, and one is gone for good.
      const scripts: readonly SecureScript[] = [
        {},
        {},
        { stumbles: "sealed" },
        { vanishes: { round: 1, step: "input" } },
        {},
      ];
      const devices = [];
      for (const [k, script] of scripts.entries())
        devices.push(await participateSecurely((gateways[k % 2] as Gateway).url, `device ${k}`, script));
      const before = coordinator.adapter;
      await coordinator.command({ kind: "start" });
      await phase(coordinator, "ended", 60_000);
      expectRound(coordinator, before, devices, [undefined, undefined, undefined, "input", undefined]);
      expect(coordinator.adapter).not.toEqual(before);
    });

    it("serves at any gateway the texts that the owner has dealt, and passes on when it deals again", async () => {
      const address = await postgres.database();
      await openOwner("dealt", address);
      const gateways = [await openGateway("dealt", address), await openGateway("dealt", address)] as const;
      const all = [];
      for (let k = 0; k < 5; k++) {
        const one = await participate((gateways[k % 2] as Gateway).url, `device ${k}`);
        const { part, run } = one.identity;
        await one.socket.emitWithAck("ready", { ...device, runId: run.runId, part });
        all.push(one);
      }
      const [, second, , , last] = all as [
        FakeParticipant,
        FakeParticipant,
        unknown,
        unknown,
        FakeParticipant,
      ];
      expect(last.identity.part).toBe(0);
      await second.socket.emitWithAck("leave");
      await expect.poll(() => last.inbox.dealt, POLL).toEqual([{ part: 1 }]);
      for (const { url } of gateways) {
        const headers = { authorization: `Bearer ${last.identity.token}` };
        const texts = await fetch(new URL("/api/split", url), { headers });
        expect(await texts.json()).toMatchObject({ part: 1, device: "device 1" });
      }
    });

    it("serves texts of the newest run, whose files it may have sooner than those of the one before", async () => {
      const address = await postgres.database();
      const of = async ({ devices }: RunConfig) => ({
        ...(await workload()),
        deviceCount: devices,
        deviceSplit: (index: number) => ({ device: `${index + 1} of ${devices}`, samples: [] }),
      });
      const { coordinator } = await openOwner("anew", address, {}, {}, { loadWorkload: of });
      let loadSlowly = (): void => {};
      const slowly = new Promise<void>((resolve) => {
        loadSlowly = resolve;
      });
      const asked: number[] = [];
      const gateway = await openGateway("anew", address, async (config) => {
        asked.push(config.devices);
        if (config.devices === 3) await slowly;
        return of(config);
      });
      const ada = await participate(gateway.url, "ada");
      const ben = await participate(gateway.url, "ben");
      const cleo = await participate(gateway.url, "cleo");
      const texts = async ({ identity: { token } }: FakeParticipant) => {
        const headers = { authorization: `Bearer ${token}` };
        const answer = await fetch(new URL("/api/split", gateway.url), { headers });
        return (await answer.json()) as unknown;
      };
      expect(await texts(cleo)).toMatchObject({ part: 2, device: "3 of 4" });
      await coordinator.command({ kind: "configure", config: { devices: 3 } });
      await expect.poll(() => asked, POLL).toEqual([4, 3]);
      await coordinator.command({ kind: "configure", config: { devices: 2 } });
      const devices = async () => [await texts(ada), await texts(ben), await texts(cleo)];
      const expected = ["1 of 2", "2 of 2", "1 of 2"].map((device) => ({ device }));
      expect(await devices()).toMatchObject(expected);
      loadSlowly();
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(await devices()).toMatchObject(expected);
    });

    it("waits while Redis is away, and goes on", async () => {
      const { owner, release, parts, expectWhole } = await inTheMiddle("redis");
      await redis.stop("SIGKILL");
      release();
      await redis.start();
      await Promise.all(parts);
      await expectWhole(owner.coordinator.adapter);
    });
  },
);
