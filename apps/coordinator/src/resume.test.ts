import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { appendRounds, type SentRounds } from "@fedlodrop/protocol";
import { createRandom, type RunConfig } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { connectHost, open, participate, phase, play, start, workload } from "./app.fixture.ts";
import { type Person, person, takePart } from "./resume.fixture.ts";
import type { Workload } from "./runs/workload.ts";
import type { Disk } from "./store/disk.ts";
import { createDyingDisk } from "./store/dying-disk.fixture.ts";
import { createMemoryDisk } from "./store/memory-disk.fixture.ts";
import { createRunFolder } from "./store/run-folder.ts";

const lock = async () => ({ release: async () => {} });
const folder = async (): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), "fedlodrop-run-"));
  open.push(() => rm(directory, { recursive: true }));
  return directory;
};
const resume = async (disk: Disk) => {
  const store = createRunFolder("/run", { disk, lock });
  const stored = await store.load();
  const { hostKey } = stored.checkpoint;
  return { ...(await start({}, { store, stored, hostKey, limits: UNHURRIED })), hostKey };
};
const settings = { rounds: 2, dropoutRate: 0.4, minParticipants: 2 } as const;
/** Every write with SLOW_TESTS=1, a few minutes; else every fifth. The store's own tests go through all of them. */
const STRIDE = process.env.SLOW_TESTS === "1" ? 1 : 5;
/** The clock of these tests stands still, so that whatever is sent is sent at once. */
const UNHURRIED = { eventBurst: 1e6, packetBurst: 1e6 } as const;
const people = () => [person("ada", 10, true), person("ben", 17, false)];
const roomCode = async (url: string, key: string): Promise<string> => {
  const host = await connectHost(url, key);
  const seen = () => host.views.at(-1)?.access.roomCode;
  await expect.poll(seen, { interval: 2 }).toEqual(expect.any(String));
  host.socket.close();
  return seen() as string;
};
/** One after another, so that the first is p1; resolves when all have joined. */
async function inOrder(url: string, all: readonly Person[]): Promise<readonly Promise<void>[]> {
  const parts: Promise<void>[] = [];
  for (const one of all) {
    const part = takePart(url, one);
    part.catch(() => {}); // A connection that ends with its coordinator.
    parts.push(part);
    await expect.poll(() => one.identity, { interval: 1, timeout: 3000 }).not.toBeNull();
  }
  return parts;
}

async function uninterrupted(
  config: Partial<RunConfig> = settings,
  all: readonly Person[] = people(),
): Promise<{ adapter: Float32Array; operations: number }> {
  const disk = createMemoryDisk();
  const { coordinator, url } = await start(config, {
    store: createRunFolder("/run", { disk, lock }),
    limits: UNHURRIED,
  });
  const parts = await inOrder(url, all);
  await expect.poll(() => coordinator.state.readyCount, { interval: 2 }).toBe(all.length);
  await coordinator.command({ kind: "start" });
  await Promise.all(parts);
  const { adapter } = coordinator;
  await coordinator.close();
  expect(all.flatMap(({ faults }) => faults)).toEqual([]);
  return { adapter, operations: disk.operations };
}

describe("a run that is killed", () => {
  it("goes on by itself, to the same adapter, with the same identities, from whatever it was writing", {
    timeout: 240_000,
  }, async () => {
    const whole = await uninterrupted();
    expect(whole.operations).toBeGreaterThan(60);
    const phases = new Set<string>();
    for (let last = 8; last < whole.operations; last += STRIDE) {
      const { disk, memory, dead } = createDyingDisk(last);
      const all = people();
      const starting = start(settings, { store: createRunFolder("/run", { disk, lock }) });
      const first = await Promise.race([starting, dead]);
      if (first === "dead") {
        // Nobody has heard of this run.
        void starting.then(({ abandon }) => abandon());
        continue;
      }
      const begun = (async () => {
        const parts = await inOrder(first.url, all);
        await expect.poll(() => first.coordinator.state.readyCount, { interval: 2, timeout: 3000 }).toBe(2);
        await first.coordinator.command({ kind: "start" });
        await Promise.all(parts);
      })();
      begun.catch(() => {}); // Who is dead does not start.
      const end = await Promise.race([dead, begun.then(() => "over")]);
      const wasStarted = first.coordinator.state.intent === "run";
      if (end === "dead") phases.add(first.coordinator.state.kind);
      first.abandon();

      const { coordinator, url } = await resume(memory.after("kill"));
      // Who has not heard who it is comes as somebody else, to another run.
      if (coordinator.state.kind === "ended" || all.some(({ identity }) => identity === null)) {
        await coordinator.close();
        continue;
      }
      const again = all.map((one) => takePart(url, one));
      if (coordinator.state.intent === "idle") {
        // The start was not kept, and so was not announced.
        expect(coordinator.state.records).toHaveLength(0);
        await expect.poll(() => coordinator.state.readyCount, { interval: 2 }).toBe(2);
        await coordinator.command({ kind: "start" });
      } else expect(wasStarted).toBe(true);
      await Promise.all(again);
      expect(
        all.flatMap(({ nickname, faults }) => faults.map((fault) => `${last}: ${nickname}: ${fault}`)),
      ).toEqual([]);
      expect([...coordinator.adapter], `killed at operation ${last}`).toEqual([...whole.adapter]);
      expect(coordinator.report().rounds.map(({ round }) => round)).toEqual([1, 2]);
      await coordinator.close();
    }
    expect([...phases]).toContain("training");
  });

  it.runIf(STRIDE === 1)(
    "ends at the same adapter after many kills, under the same host key and room code",
    {
      timeout: 240_000,
    },
    async () => {
      const long = { ...settings, rounds: 14, minParticipants: 3 };
      const three = () => [...people(), person("cleo", 5, true)];
      const whole = await uninterrupted(long, three());
      const all = three();
      // Each life ends at another write; the last one is long enough.
      const random = createRandom("lives");
      let dying = createDyingDisk(60);
      const first = await start(long, {
        store: createRunFolder("/run", { disk: dying.disk, lock }),
        hostKey: "secret",
        limits: UNHURRIED,
      });
      await inOrder(first.url, all);
      await first.coordinator.command({ kind: "room-code", wanted: true });
      const code = await roomCode(first.url, "secret");
      await expect.poll(() => first.coordinator.state.readyCount, { interval: 2 }).toBe(3);
      await first.coordinator.command({ kind: "start" });
      let running: Pick<typeof first, "coordinator" | "abandon"> = first;
      let lives = 1;
      for (let isOver = false; !isOver; lives++) {
        const over = phase(running.coordinator, "ended", 60_000).then(() => "over");
        over.catch(() => {});
        isOver = (await Promise.race([dying.dead, over])) === "over";
        if (isOver) break;
        running.abandon();
        dying = createDyingDisk(15 + random.below(40), dying.memory.after("kill"));
        const resumed = await resume(dying.disk);
        expect(resumed.hostKey).toBe("secret");
        expect(await roomCode(resumed.url, "secret")).toBe(code);
        running = resumed;
        for (const one of all) takePart(resumed.url, one).catch(() => {});
      }
      expect(lives).toBeGreaterThan(5);
      expect(all.flatMap(({ faults }) => faults)).toEqual([]);
      const { rounds } = running.coordinator.report();
      expect(
        rounds.map(({ participants }) => participants.map(({ id, outcome }) => `${id} ${outcome}`)),
      ).toEqual(Array(long.rounds).fill(["p1 aggregated", "p2 aggregated", "p3 aggregated"]));
      expect([...running.coordinator.adapter]).toEqual([...whole.adapter]);
      running.abandon(); // Its disk may die when it closes.
    },
  );

  it("keeps the host key, the lock, a fresh kick and who is who, also in round 1", async () => {
    const disk = createMemoryDisk();
    const first = await start(settings, {
      store: createRunFolder("/run", { disk, lock }),
      hostKey: "secret",
    });
    const ada = await participate(first.url, "ada");
    const ben = await participate(first.url, "ben");
    const cleo = await participate(first.url, "cleo");
    await first.coordinator.command({ kind: "start" });
    await ada.nextStart(1);
    await first.coordinator.command({ kind: "lock", locked: true });
    await first.coordinator.command({ kind: "kick", participantId: "p3" });
    const left = disk.after("power cut");
    first.abandon();

    const { coordinator, url } = await resume(left);
    expect(coordinator.state).toMatchObject({ kind: "training", round: 1, locked: true });
    // In the other order.
    const again = await participate(url, "ben", { token: ben.identity.token, resumesRound: 1 });
    expect(again.identity.participantId).toBe("p2");
    const { identity } = await participate(url, "ada", { token: ada.identity.token });
    expect(identity.participantId).toBe("p1");
    await expect(participate(url, "cleo", { token: cleo.identity.token })).rejects.toThrow(/kicked/);
    await expect(participate(url, "dora")).rejects.toThrow(/run-locked/);
  });

  it("gives the ids of those who were forgotten to nobody else", async () => {
    const disk = createMemoryDisk();
    const first = await start(settings, { store: createRunFolder("/run", { disk, lock }) });
    await participate(first.url, "ada");
    const ben = await participate(first.url, "ben");
    await ben.socket.emitWithAck("leave");
    first.abandon();
    const { url } = await resume(disk.after("kill"));
    expect((await participate(url, "cleo")).identity.participantId).toBe("p3");
  });

  it("goes on without those who do not come back", async () => {
    const disk = createMemoryDisk();
    const first = await start({ ...settings, rounds: 1 }, { store: createRunFolder("/run", { disk, lock }) });
    const ada = await participate(first.url, "ada");
    await participate(first.url, "ben");
    await first.coordinator.command({ kind: "start" });
    await play(ada, 1);
    first.abandon();
    const { coordinator, advance } = await resume(disk.after("kill"));
    expect(coordinator.state.kind).toBe("training");
    advance(21);
    await phase(coordinator, "ended");
    expect(coordinator.report().rounds[0]?.participants.map(({ id, outcome }) => [id, outcome])).toEqual([
      ["p1", "aggregated"],
      ["p2", "left"],
    ]);
  });

  it("does not count the time without a coordinator against the deadline", async () => {
    const disk = createMemoryDisk();
    const first = await start(settings, { store: createRunFolder("/run", { disk, lock }) });
    const [ada, ben] = [await participate(first.url, "ada"), await participate(first.url, "ben")];
    await first.coordinator.command({ kind: "start" });
    await ada.nextStart(1);
    first.advance(19);
    await play(ben, 1);
    first.abandon();
    const second = await resume(disk.after("kill"));
    const back = await participate(second.url, "ada", { token: ada.identity.token });
    const { deadlineSeconds } = await back.nextStart(1);
    expect(deadlineSeconds).toBe(11);
    second.advance(12);
    await expect.poll(() => second.coordinator.state.records.length, { interval: 2 }).toBe(1);
    expect(second.coordinator.report().rounds[0]?.participants.map(({ outcome }) => outcome)).toEqual([
      "missed-deadline",
      "aggregated",
    ]);
  });
});

it("keeps a way back that the host has taken", async () => {
  const disk = createMemoryDisk();
  const first = await start({ rounds: 9 }, { store: createRunFolder("/run", { disk, lock }) });
  const ada = await participate(first.url, "ada");
  await first.coordinator.command({ kind: "start" });
  await play(ada, 1);
  await expect.poll(() => first.coordinator.state.records.length, { interval: 2 }).toBe(1);
  const { adapter } = first.coordinator;
  await first.coordinator.command({ kind: "pause" });
  await play(ada, 2);
  await phase(first.coordinator, "paused");
  expect(await first.coordinator.command({ kind: "rollback", round: 2 })).toEqual({ kind: "done" });
  first.abandon();
  const { coordinator } = await resume(disk.after("power cut"));
  expect(coordinator.state).toMatchObject({ kind: "paused", basedOnRound: 1 });
  expect([...coordinator.adapter]).toEqual([...adapter]);
});

describe("a run folder", () => {
  it("holds the results at the end, and one line a round", async () => {
    const directory = await folder();
    const { coordinator, url } = await start({ rounds: 3 }, { store: createRunFolder(directory) });
    const ada = await participate(url, "ada");
    await coordinator.command({ kind: "start" });
    for (const round of [1, 2, 3]) await play(ada, round);
    await phase(coordinator, "ended");
    const { runId, rounds } = coordinator.report();
    await coordinator.close();
    const lines = (await readFile(join(directory, "metrics.jsonl"), "utf8")).trim().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toEqual(rounds);
    expect(rounds.every(({ testLoss }) => testLoss !== null)).toBe(true);
    const report = JSON.parse(await readFile(join(directory, "report.json"), "utf8"));
    expect(report).toEqual(JSON.parse(JSON.stringify({ ...coordinator.report(), runId })));
    const names = (await readdir(directory)).filter(
      (name) => !/^(?:adapter|checkpoint|log)-\d+\./.test(name),
    );
    expect(names.sort()).toEqual(["adapter.safetensors", "config.json", "metrics.jsonl", "report.json"]);
  });

  it("is where a long run's early rounds are read from, by late hosts and by reports", {
    timeout: 120_000,
  }, async () => {
    const rounds = 230;
    const { coordinator, url, advance } = await start({ rounds }, { store: createRunFolder(await folder()) });
    const ada = await participate(url, "ada");
    await coordinator.command({ kind: "start" });
    for (let round = 1; round <= rounds; round++) {
      await play(ada, round);
      advance(1); // or it would be sending too much at once
    }
    await phase(coordinator, "ended");
    expect(coordinator.state.records[0]?.participants).toEqual([]);
    const whole = await coordinator.wholeReport();
    expect(whole.rounds.map(({ participants }) => participants[0]?.id)).toEqual(Array(rounds).fill("p1"));
    const response = await fetch(`${url}/api/report`, { headers: { authorization: "Bearer key" } });
    expect(await response.json()).toEqual(JSON.parse(JSON.stringify(whole)));
    const host = await connectHost(url, "key");
    const known = (): readonly number[] =>
      host.rounds
        .reduce<SentRounds | null>((all, sent) => appendRounds(all, sent), null)
        ?.records.map(({ participants }) => participants.length) ?? [];
    await expect.poll(known).toEqual(Array(rounds).fill(1));
  });

  it("keeps an earlier run beside the one that replaces it", async () => {
    const directory = await folder();
    const { coordinator, url } = await start({ rounds: 1 }, { store: createRunFolder(directory) });
    const ada = await participate(url, "ada");
    await coordinator.command({ kind: "start" });
    await play(ada, 1);
    await phase(coordinator, "ended");
    const { runId } = coordinator.report();
    await coordinator.command({ kind: "configure", config: { seed: "2" } });
    await coordinator.close();
    const report = async (...path: string[]) =>
      JSON.parse(await readFile(join(directory, ...path, "report.json"), "utf8"));
    expect(await report(runId)).toMatchObject({ runId, seed: "0", rounds: [{ round: 1 }] });
    expect(await report()).toMatchObject({ seed: "2", rounds: [] });
    const old = await createRunFolder(join(directory, runId)).load();
    expect(old.records).toHaveLength(1);
  });

  it("gives a paused run that is replaced the loss of its last round", async () => {
    const directory = await folder();
    const gates: (() => void)[] = [];
    const slow = async (): Promise<Workload> => {
      const plain = await workload();
      return {
        ...plain,
        async evaluate(...given) {
          if (given[1].trained.length > 0) await new Promise<void>((resolve) => gates.push(resolve));
          return plain.evaluate!(...given);
        },
      };
    };
    const { coordinator, url } = await start(
      { rounds: 2 },
      { store: createRunFolder(directory), loadWorkload: slow },
    );
    const ada = await participate(url, "ada");
    await coordinator.command({ kind: "start" });
    await ada.nextStart(1);
    await coordinator.command({ kind: "pause" });
    await play(ada, 1);
    await phase(coordinator, "paused");
    const { runId } = coordinator.report();
    const configured = coordinator.command({ kind: "configure", config: { seed: "2" } });
    await expect.poll(() => gates.length).toBe(1);
    gates[0]!();
    await configured;
    await coordinator.close();
    const report = JSON.parse(await readFile(join(directory, runId, "report.json"), "utf8"));
    expect(report.finalTestLoss).toEqual(expect.any(Number));
  });

  it("keeps what is left of an earlier run that cannot be read", async () => {
    const directory = await folder();
    await writeFile(join(directory, "checkpoint-3.json"), '{"runId": "x", "rou');
    await writeFile(join(directory, "report.json"), "earlier");
    const lines: string[] = [];
    const { coordinator } = await start(
      {},
      { store: createRunFolder(directory), log: (line) => lines.push(line) },
    );
    await coordinator.close();
    expect(lines).toEqual([]);
    const [archive] = (await readdir(directory)).filter((name) => /^\d{4}-/.test(name));
    expect(await readFile(join(directory, archive!, "report.json"), "utf8")).toBe("earlier");
  });

  it("is refused for another model than its own", async () => {
    const disk = createMemoryDisk();
    const first = await start(settings, { store: createRunFolder("/run", { disk, lock }) });
    first.abandon();
    const store = createRunFolder("/run", { disk: disk.after("kill"), lock });
    const stored = { ...(await store.load()), adapter: new Float32Array(3) };
    await expect(start({}, { store, stored })).rejects.toThrow(/has 3 values, but .* ask for \d+/);
  });

  it("tells the host while it cannot be written, and the run goes on", async () => {
    const disk = createMemoryDisk();
    const lines: string[] = [];
    const { coordinator, url } = await start(
      { rounds: 2 },
      { store: createRunFolder("/run", { disk, lock }), log: (line) => lines.push(line) },
    );
    const ada = await participate(url, "ada");
    await coordinator.command({ kind: "start" });
    disk.fault = "ENOSPC";
    await play(ada, 1);
    await ada.closed(1);
    expect(coordinator.storageProblem).toMatch(/not being stored in \/run: ENOSPC/);
    disk.fault = null;
    await play(ada, 2);
    await phase(coordinator, "ended");
    await coordinator.close();
    expect(coordinator.storageProblem).toBeNull();
    expect(lines).toEqual([expect.stringContaining("ENOSPC"), "the run is being stored again"]);
    const { records } = await createRunFolder("/run", { disk: disk.after("power cut"), lock }).load();
    expect(records.map(({ round }) => round)).toEqual([1, 2]);
  });
});
