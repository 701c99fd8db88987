import { appendFile, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { open, participate, phase, play, start } from "../app.fixture.ts";
import { createStore, readStoredRun } from "./run-folder.ts";

it("goes on after a restart: same model, same identities, next round", async () => {
  const directory = await mkdtemp(join(tmpdir(), "fedlodrop-run-"));
  open.push(() => rm(directory, { recursive: true }));
  const first = await start({}, { store: createStore(directory) });
  const ada = await participate(first.url, "ada");
  await first.coordinator.command({ kind: "start" });
  await play(ada, 1);
  await ada.closed(1);
  await ada.nextStart(2);
  const { adapterSha256, runId } = first.coordinator.report();
  await first.coordinator.close();
  // As after a crash between a round's line and its checkpoint.
  await appendFile(join(directory, "metrics.jsonl"), '{"round":2}\n{"rou');

  const second = await start({}, { store: createStore(directory), stored: await readStoredRun(directory) });
  expect(second.coordinator.report()).toMatchObject({ adapterSha256, runId, rounds: [{ round: 1 }] });
  const again = await participate(second.url, "ada", { token: ada.identity.token });
  expect(again.identity.participantId).toBe("p1");
  await second.coordinator.command({ kind: "start" });
  for (const round of [2, 3]) await play(again, round);
  await phase(second.coordinator, "ended");
  await second.coordinator.close();
  const lines = (await readFile(join(directory, "metrics.jsonl"), "utf8")).trim().split("\n");
  expect(lines.map((line) => JSON.parse(line).round)).toEqual([1, 2, 3]);
  expect((await readdir(directory)).sort()).toEqual([
    "adapter-3.f32",
    "adapter.safetensors",
    "checkpoint.json",
    "config.json",
    "metrics.jsonl",
    "report.json",
  ]);
  const report = JSON.parse(await readFile(join(directory, "report.json"), "utf8"));
  expect(report).toMatchObject({ runId, rounds: [{}, {}, {}], finalTestLoss: expect.any(Number) });
});

it("keeps an earlier run beside the one that replaces it", async () => {
  const directory = await mkdtemp(join(tmpdir(), "fedlodrop-run-"));
  open.push(() => rm(directory, { recursive: true }));
  const { coordinator, url } = await start({ rounds: 1 }, { store: createStore(directory) });
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
});

it("keeps what is left of an earlier run whose checkpoint cannot be read", async () => {
  const directory = await mkdtemp(join(tmpdir(), "fedlodrop-run-"));
  open.push(() => rm(directory, { recursive: true }));
  await writeFile(join(directory, "checkpoint.json"), '{"runId": "x", "rou');
  await writeFile(join(directory, "report.json"), "earlier");
  await utimes(join(directory, "checkpoint.json"), 86_400, 86_400);
  const lines: string[] = [];
  const { coordinator } = await start({}, { store: createStore(directory), log: (line) => lines.push(line) });
  await coordinator.close();
  expect(lines).toEqual([]);
  expect(await readFile(join(directory, "1970-01-02T00-00-00.000Z", "report.json"), "utf8")).toBe("earlier");
  await readStoredRun(directory);
});

it("says what is wrong with a folder that holds no run", async () => {
  await expect(readStoredRun("/nonexistent")).rejects.toThrow(
    /run folder \/nonexistent: cannot be continued/,
  );
});
