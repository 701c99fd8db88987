import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { joinCrowd, joinScripted, writeTinyModel } from "@fedlodrop/harness";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startNodeDevice } from "./node-device.ts";
import { threadSeconds } from "./processor-time.ts";
import { type StartRunOptions, startRun } from "./start-run.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fedlodrop-node-"));
  await writeTinyModel(folder);
  await writeFile(
    join(folder, "texts.csv"),
    [
      "text",
      ...Array.from({ length: 90 }, (_, row) => `"the cat sat on mat ${row} and looked at the dog"`),
    ].join("\n"),
  );
});
afterAll(() => rm(folder, { recursive: true }));

/** npm's package webgpu is not among this project's: whoever has it, and a GPU or what passes for one, tries it. */
const hasGpu = await findGpu();
async function findGpu(): Promise<boolean> {
  const name: string = "webgpu";
  const dawn = await (import(name) as Promise<{ create(flags: readonly string[]): GPU }>).catch(() => null);
  return (await dawn?.create([]).requestAdapter()) != null;
}

const settings = (): StartRunOptions => ({
  task: join(folder, "texts.csv"),
  model: folder,
  rounds: 2,
  rank: 2,
  devices: 2,
  evaluationSamples: 8,
  training: { localSteps: 2, batchSize: 2, sequenceLength: 16 },
  pages: false,
});

test("two devices without a browser train a run to its end", async () => {
  const evaluateOn = { kind: "devices", every: 2 } as const;
  const run = await startRun({ ...settings(), evaluateOn, out: join(folder, "run") });
  const devices = ["ada", "ben"].map((nickname) => startNodeDevice(run.url, { nickname, threads: 1 }));
  const identities = await Promise.all(devices.map(({ ready }) => ready));
  expect(identities.map(({ participantId }) => participantId).sort()).toEqual(["p1", "p2"]);
  await run.host.command({ kind: "start" });
  await Promise.all(devices.map(({ ended }) => ended));
  await Promise.all(devices.map((device) => device.leave()));
  expect((await run.adapterFile()).byteLength).toBeGreaterThan(100);
  const report = await run.stop();
  expect(report.rounds.map(({ participants }) => participants.map(({ outcome }) => outcome))).toEqual([
    ["aggregated", "aggregated"],
    ["aggregated", "aggregated"],
  ]);
  // Each has measured the second round's adapter on what it keeps back, and the report has come to wait for it.
  const [first, second] = report.rounds.map(({ evaluation }) => evaluation?.onDevices);
  expect(first).toBeUndefined();
  expect(second?.devices.map(({ id }) => id)).toEqual(["p1", "p2"]);
  for (const { testLoss, trainLoss, baseTestLoss, count, seconds, bytesDown } of second!.devices) {
    for (const loss of [testLoss, trainLoss, baseTestLoss]) expect(loss).toBeGreaterThan(0);
    expect(testLoss).not.toBe(baseTestLoss);
    expect(count % 16).toBe(0);
    expect(seconds).toBeGreaterThan(0);
    expect(bytesDown).toBe(4 * report.rounds[0]!.participants[0]!.fullValues);
  }
  const [p1, p2] = second!.devices;
  const weighted = (p1!.count * p1!.testLoss + p2!.count * p2!.testLoss) / (p1!.count + p2!.count);
  expect(second!.testLoss).toBeCloseTo(weighted, 12);
  // What a thread did is known on Linux alone.
  const source = threadSeconds() === null ? "modelled" : "processor";
  for (const { energySource, energyJoules, secondsCompute } of report.rounds[0]!.participants) {
    expect(energySource).toBe(source);
    expect(energyJoules).toBeGreaterThan(0);
    expect(secondsCompute).toBeGreaterThan(0);
  }
  expect(await run.stop()).toEqual(report);
}, 120_000);

test("rates that are chosen live differ between devices and rounds, in turn", async () => {
  const run = await startRun({ ...settings(), rounds: 5, method: "branch-and-bound" });
  const devices = ["ada", "ben"].map((nickname) => startNodeDevice(run.url, { nickname, threads: 1 }));
  await Promise.all(devices.map(({ ready }) => ready));
  await run.host.command({ kind: "start" });
  await Promise.all(devices.map(({ ended }) => ended));
  await Promise.all(devices.map((device) => device.leave()));
  const { rounds } = await run.stop();
  const raised = rounds.map(
    ({ allocation }) =>
      allocation?.devices.filter(({ dither }) => dither > 0).map(({ id }) => id) ?? ["not planned"],
  );
  // The last two rounds teach nobody: no plan looks back on them.
  expect(raised.map((ids) => ids.length)).toEqual([1, 2, 1, 0, 0]);
  expect(raised[2]).not.toEqual(raised[0]);
  for (const { participants, allocation } of rounds.slice(0, 3)) {
    // What was decided is what was trained at.
    for (const { id, dropoutRate } of participants)
      expect(allocation?.devices.find((device) => device.id === id)?.dropoutRate).toBe(dropoutRate);
  }
}, 120_000);

test("what cannot be is said in one line", async () => {
  await expect(startRun({ ...settings(), rounds: 0 })).rejects.toThrow(
    "startRun: rounds: expected 1 or more",
  );
  await expect(startRun({ ...settings(), round: 3 } as StartRunOptions)).rejects.toThrow(
    'startRun: settings: unknown field "round"',
  );
  expect(() => startNodeDevice("192.168.1.5")).toThrow('got "192.168.1.5"');
  const run = await startRun({ ...settings(), access: { roomCode: "otter" } });
  const device = startNodeDevice(run.url, { nickname: "ada", code: "badger", threads: 1 });
  await expect(device.ready).rejects.toThrow(/^ada: .*code/);
  await device.leave();
  if (!hasGpu) {
    const blind = startNodeDevice(run.url, { nickname: "ben", backend: "webgpu" });
    await expect(blind.ready).rejects.toThrow("ben: expected WebGPU by npm's package webgpu, got none");
    await blind.leave();
  }
  await run.stop();
}, 120_000);

test("a crowd of scripted participants takes part in every round", async () => {
  const run = await startRun({ ...settings(), maxParticipants: 64 });
  const crowd = await joinCrowd({ url: run.url, count: 60 });
  await run.host.ready(60);
  await run.host.command({ kind: "start" });
  const view = await run.host.ended();
  expect(view.rounds.map(({ participants }) => participants.length)).toEqual([60, 60]);
  expect([...crowd.refused]).toEqual([]);
  expect(crowd.accepted).toBe(120);
  crowd.close();
  const late = await joinScripted(run.url, "late");
  const waiting = late.nextRound(86_400);
  late.close();
  // Else a program that had them would not end for a day.
  await expect(waiting).rejects.toThrow("late: closed while it waited for a round");
  await expect(late.nextRound(86_400)).rejects.toThrow("late: closed while it waited for a round");
  await run.stop();
}, 120_000);

test.skipIf(!hasGpu)(
  "a device without a browser trains on WebGPU",
  async () => {
    const run = await startRun(settings());
    const device = startNodeDevice(run.url, { nickname: "ada", backend: "webgpu" });
    await device.ready;
    await run.host.command({ kind: "start" });
    await device.ended;
    await device.leave();
    const { rounds } = await run.stop();
    const participants = rounds.flatMap((round) => round.participants);
    expect(participants.map(({ backend, outcome }) => [backend, outcome])).toEqual([
      ["webgpu", "aggregated"],
      ["webgpu", "aggregated"],
    ]);
  },
  120_000,
);
