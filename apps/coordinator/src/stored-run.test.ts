import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { appendRounds, type SentRounds } from "@fedlodrop/protocol";
import { describe, expect, it } from "vitest";
import { connectHost, open, participate, phase, play, start, workload } from "./app.fixture.ts";
import { lock, settings } from "./resume.fixture.ts";
import type { Workload } from "./runs/workload.ts";
import { createMemoryDisk } from "./store/memory-disk.fixture.ts";
import { createRunFolder } from "./store/run-folder.ts";

const folder = async (): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), "fedlodrop-run-"));
  open.push(() => rm(directory, { recursive: true }));
  return directory;
};

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
    expect(names.sort()).toEqual([
      "adapter.safetensors",
      "config.json",
      "events.out.tfevents",
      "metrics.jsonl",
      "report.json",
    ]);
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

  it("gets the results of a run that ended while it could not be written, as soon as it can", async () => {
    const disk = createMemoryDisk();
    const { coordinator, url, advance } = await start(
      { rounds: 1 },
      { store: createRunFolder("/run", { disk, lock }) },
    );
    const ada = await participate(url, "ada");
    await coordinator.command({ kind: "start" });
    disk.fault = "EMFILE";
    await play(ada, 1);
    await phase(coordinator, "ended");
    await expect.poll(() => coordinator.storageProblem).toMatch(/EMFILE/);
    disk.fault = null;
    const problem = () => {
      advance(5);
      return coordinator.storageProblem;
    };
    await expect.poll(problem).toBeNull();
    expect(new TextDecoder().decode(await disk.read("/run/report.json"))).toContain('"rounds"');
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
