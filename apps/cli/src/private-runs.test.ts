/** Whole runs of what is promised of privacy, with devices that really train: the very code of the pages, in threads of this process. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FromWorker } from "@fedlodrop/device";
import { writeTinyModel } from "@fedlodrop/harness";
import type { RunOverrides } from "@fedlodrop/run";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startNodeDevice } from "./node-device.ts";
import { startRun } from "./start-run.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fedlodrop-private-"));
  await writeTinyModel(folder);
  const rows = Array.from({ length: 90 }, (_, row) => `"the cat sat on mat ${row} and looked at the dog"`);
  await writeFile(join(folder, "texts.csv"), ["text", ...rows].join("\n"));
});
afterAll(() => rm(folder, { recursive: true }));

/** A run of two rounds; with its report, what each device said. */
async function play(count: number, settings: RunOverrides) {
  const run = await startRun({
    task: join(folder, "texts.csv"),
    model: folder,
    rounds: 2,
    rank: 2,
    devices: count,
    minParticipants: count,
    evaluationSamples: 8,
    training: { localSteps: 2, batchSize: 2, sequenceLength: 16 },
    pages: false,
    ...settings,
  });
  const said: FromWorker[] = [];
  const devices = Array.from({ length: count }, (_, k) =>
    startNodeDevice(run.url, { nickname: `d${k}`, threads: 1, heard: (message) => said.push(message) }),
  );
  await Promise.all(devices.map(({ ready }) => ready));
  const before = await run.adapterFile();
  await run.host.command({ kind: "start" });
  await Promise.all(devices.map(({ ended }) => ended));
  await Promise.all(devices.map((device) => device.leave()));
  const after = await run.adapterFile();
  return { report: await run.stop(), said, changed: !Buffer.from(before).equals(Buffer.from(after)) };
}

test("devices train a run whose coordinator sees sums alone, with noise of their own", async () => {
  const { report, said, changed } = await play(3, {
    secureAggregation: true,
    aggregation: "mean",
    differentialPrivacy: { epsilon: 8, delta: 1e-5, clip: 0.1 },
  });
  expect(changed).toBe(true);
  expect(report.rounds).toHaveLength(2);
  for (const { secureAggregation, participants, privacy } of report.rounds) {
    expect(secureAggregation?.problem).toBeNull();
    expect(secureAggregation?.counted).toBeGreaterThan(0);
    expect(participants.map(({ outcome }) => outcome)).toEqual(Array(3).fill("aggregated"));
    expect(participants.map(({ update }) => update)).toEqual([null, null, null]);
    expect(privacy?.epsilon).toBeGreaterThan(0);
  }
  expect(said.filter(({ kind }) => kind === "failed")).toEqual([]);
  const closed = said.flatMap((message) => (message.kind === "round-closed" ? [message.closed] : []));
  expect(closed).toHaveLength(6);
  for (const { contribution } of closed) expect(contribution).toBeCloseTo(1 / 3);
}, 180_000);

test("devices train by DP-SGD, and no further than the run has promised", async () => {
  const { report, said, changed } = await play(2, {
    examplePrivacy: { epsilon: 8, delta: 1e-5, clip: 1 },
  });
  expect(changed).toBe(true);
  for (const { participants } of report.rounds)
    expect(participants.map(({ outcome, steps }) => [outcome, steps])).toEqual(
      Array(2).fill(["aggregated", 2]),
    );
  expect(said.filter(({ kind }) => kind === "failed")).toEqual([]);
}, 180_000);
