/** Models from a hub that behaves, and from one that does not. */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lockFolder } from "@fedlodrop/coordinator";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { lengthOf } from "./download.ts";
import { openHub } from "./hub.ts";
import { type StandInOptions, startStandIn } from "./hub-stand-in.fixture.ts";
import { readModelName } from "./model-name.ts";
import { addModel, findStored, removeModel, storedModels } from "./model-store.ts";

const PATIENCE = { stallSeconds: 2, pauseSeconds: 0.01, tries: 3 };
const weights = Uint8Array.from({ length: 50_000 }, (_, i) => (i * 31) % 251);
const files = {
  "config.json": new TextEncoder().encode('{"model_type":"gpt2"}'),
  "tokenizer.json": new TextEncoder().encode("{}"),
  "model.safetensors": weights,
  "pytorch_model.bin": weights,
  "onnx/model.onnx": weights,
};

let root: string;
const closing: (() => Promise<void>)[] = [];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "models-"));
  vi.stubEnv("HF_TOKEN", "");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const close of closing.splice(0)) await close();
  await rm(root, { recursive: true });
});

async function hubWith(options: Partial<StandInOptions> = {}) {
  const standIn = await startStandIn({ id: "team/tiny", files, ...options });
  closing.push(standIn.close);
  const add = (name = "team/tiny", say: (line: string) => void = () => {}) =>
    addModel(openHub({ endpoint: standIn.endpoint }), readModelName(name)!, {
      say,
      root,
      patience: PATIENCE,
    });
  return { ...standIn, add };
}

test("a model is fetched once, without its other formats, and found without the hub", async () => {
  const { add, close, commit, requests } = await hubWith();
  const model = await add();
  expect((await readdir(model.directory)).sort()).toEqual([
    "config.json",
    "model.safetensors",
    "origin.json",
    "tokenizer.json",
  ]);
  expect(await readFile(join(model.directory, "model.safetensors"))).toEqual(Buffer.from(weights));
  const asked = requests.length;
  await add("team/tiny@v1");
  expect(requests.length - asked).toBe(1); // what it is, and nothing of it again
  await close();
  closing.length = 0;
  for (const name of ["team/tiny", "team/tiny@v1", `team/tiny@${commit.slice(0, 8)}`])
    expect(await findStored(readModelName(name)!, root)).toMatchObject({ directory: model.directory });
  expect(await findStored(readModelName("team/tiny@v2")!, root)).toBeNull();
  await removeModel(model);
  expect(await storedModels(root)).toEqual([]);
});

test("what was cut off is taken up where it ended", async () => {
  let come = 0;
  const when = async (): Promise<void> => {
    come += 20_000;
    const part = join(root, "team", "tiny", hub.commit, "model.safetensors.part");
    await expect.poll(() => lengthOf(part), { timeout: 20_000 }).toBe(come);
  };
  const hub = await hubWith({ cuts: { after: 20_000, times: 2, when } });
  const { add, requests } = hub;
  const { directory } = await add();
  expect(await readFile(join(directory, "model.safetensors"))).toEqual(Buffer.from(weights));
  expect(
    requests
      .filter((request) => request.startsWith("store"))
      .map((request) => /bytes=(\d+)/.exec(request)?.[1]),
  ).toEqual([undefined, "20000", "40000"]);
});

test("a later command goes on with what an earlier one had", async () => {
  const first = await hubWith({ cuts: { after: 0, times: 99 } });
  await expect(first.add()).rejects.toThrow(
    /model\.safetensors of team\/tiny was cut off 3 times .*try again later/,
  );
  const second = await hubWith();
  const path = join(root, "team/tiny", second.commit, "model.safetensors.part");
  await writeFile(path, weights.subarray(0, 30_000));
  expect(await storedModels(root)).toEqual([]);
  await second.add();
  expect(second.requests.filter((request) => /config|bytes=30000/.test(request))).toHaveLength(2); // hub and store
});

test("a server without ranges starts again, and a silent or busy one is asked again", async () => {
  for (const trouble of [{ cuts: { after: 20_000, times: 1 }, ranges: false }, { stalls: 1 }, { busy: 1 }]) {
    const { add } = await hubWith(trouble);
    const { directory } = await add();
    expect(await readFile(join(directory, "model.safetensors"))).toEqual(Buffer.from(weights));
    await rm(join(root, "team"), { recursive: true });
  }
});

test("bytes with another hash are thrown away", async () => {
  const { add, commit } = await hubWith({ damages: 1 });
  await expect(add()).rejects.toThrow(
    /model\.safetensors of team\/tiny: expected the sha256 hash [0-9a-f]{64}, got/,
  );
  expect(existsSync(join(root, "team/tiny", commit, "model.safetensors.part"))).toBe(false);
  await add(); // the next try is whole
});

test("small files are held to git's hash", async () => {
  const { add } = await hubWith();
  const { directory, commit } = await add();
  await rm(directory, { recursive: true });
  const { add: other } = await hubWith({ files: { ...files, "config.json": files["tokenizer.json"] } });
  expect((await other()).commit).toBe(commit);
});

test("the token goes to the hub and to nobody else", async () => {
  vi.stubEnv("HF_TOKEN", "hf_secret");
  const { add, requests } = await hubWith({ token: "hf_secret" });
  await add();
  expect(
    requests
      .filter((request) => request.startsWith("hub"))
      .every((request) => request.endsWith("authorization=Bearer hf_secret")),
  ).toBe(true);
  expect(
    requests.filter((request) => request.startsWith("store") && request.includes("authorization")),
  ).toEqual([]);
});

test.each<[Partial<StandInOptions>, string, RegExp]>([
  [{}, "team/none", /has no model team\/none/],
  [{}, "team/tiny@v9", /team\/tiny has no revision v9/],
  [{ token: "x" }, "team/tiny", /has no public model team\/tiny: .*set HF_TOKEN where it is private/],
  [{ token: "x", gated: true }, "team/tiny", /wants its terms to be accepted: do so at http.*\/team\/tiny/],
  [{ busy: 9 }, "team/tiny", /answered HTTP 503 for team\/tiny/],
  [
    { files: { "config.json": files["config.json"], "pytorch_model.bin": weights } },
    "team/tiny",
    /has no safetensors, only pytorch_model\.bin/,
  ],
  [
    { files: { "model.safetensors": weights } },
    "team/tiny",
    /is no model that can be trained: it has no config\.json/,
  ],
])("%#: %s is refused in one line", async (options, name, message) => {
  const { add } = await hubWith(options);
  await expect(add(name)).rejects.toThrow(message);
});

test("a hub that is not there is named", async () => {
  const hub = openHub({ endpoint: "http://127.0.0.1:9" });
  await expect(hub.describe({ id: "a/b", revision: "main" })).rejects.toThrow(
    /hub: http:\/\/127\.0\.0\.1:9 cannot be reached/,
  );
  expect(() => openHub({ endpoint: "ftp://mirror" })).toThrow(
    'expected an http or https address, got "ftp://mirror"',
  );
});

test.each([
  ["HuggingFaceTB/SmolLM2-135M", { id: "HuggingFaceTB/SmolLM2-135M", revision: "main" }],
  ["a/b@refs/pr/1", { id: "a/b", revision: "refs/pr/1" }],
  ["./a/b", null],
  ["../b", null],
  ["a/b/c", null],
  ["base", null],
])("%s is the name %j", (text, name) => {
  expect(readModelName(text)).toEqual(name);
});

test("what is there by name and is another file is fetched again", async () => {
  const { add, commit } = await hubWith();
  const directory = join(root, "team", "tiny", commit);
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, "model.safetensors"), new Uint8Array(weights.length));
  await add();
  expect(await readFile(join(directory, "model.safetensors"))).toEqual(Buffer.from(weights));
});

test("a model that is being fetched is not fetched beside it", async () => {
  const { add, commit } = await hubWith();
  const directory = join(root, "team", "tiny", commit);
  await mkdir(directory, { recursive: true });
  const lock = await lockFolder(directory);
  await expect(add()).rejects.toThrow(
    `hub: team/tiny in ${directory}: process ${process.pid} is writing there; wait for it`,
  );
  await lock.release();
  expect((await add()).directory).toBe(directory);
});
