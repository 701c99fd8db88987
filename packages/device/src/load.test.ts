/** What a device loads, with the model, its trainer and the network made up. */
import {
  type BackendChoice,
  createTrainer,
  datasetFromSamples,
  type LocalTrainer,
  loadModel,
  pickBackend,
} from "@fedlodrop/lm";
import type { Sample } from "@fedlodrop/run";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { run } from "./coordinator.fixture.ts";
import { DeviceUnfitError, expectFit } from "./device-fit.ts";
import { type LoadRequest, load, loadKey, TextsWantedError } from "./load.ts";
import type { FromWorker, OwnTexts } from "./messages.ts";

vi.mock("./model/manifest.ts", () => ({
  fetchManifest: async () => ({ version: "0123456789abcdef", files: [] }),
}));
vi.mock("./model/model-parts.ts", () => ({
  modelParts: () => ({ read: async () => new TextEncoder().encode("{}") }),
}));
vi.mock("./device-fit.ts", async (original) => ({
  ...(await original<typeof import("./device-fit.ts")>()),
  expectFit: vi.fn(async () => null),
}));
vi.mock("@fedlodrop/lm", () => ({
  parseConfig: vi.fn(),
  createTrainer: vi.fn(),
  datasetFromSamples: vi.fn(),
  loadModel: vi.fn(),
  pickBackend: vi.fn(),
  measureProducts: vi.fn(),
  trainingNeeds: vi.fn(),
  whatWouldFit: vi.fn(),
  rowsOf: ({ windows }: { readonly windows: readonly Int32Array[] }) => windows,
}));

const disposed: string[] = [];
const trained: (readonly Sample[])[] = [];
const trainer = (name: string, warmUp: () => Promise<unknown>) =>
  ({ engine: {}, warmUp, dispose: () => disposed.push(name) }) as unknown as LocalTrainer;
const warm = async () => ({ firstStepSeconds: 1, stepSeconds: 0.1 });

beforeEach(() => {
  disposed.length = 0;
  trained.length = 0;
  vi.mocked(loadModel).mockResolvedValue({
    model: {},
    tokenizer: { encode: (text: string) => [...text] },
    warnings: [],
  } as never);
  vi.mocked(datasetFromSamples).mockImplementation((samples) => {
    trained.push(samples);
    return { kind: "language-model", windows: [[1]] } as never;
  });
  vi.mocked(createTrainer).mockImplementation(async () => trainer("a", warm));
  vi.mocked(pickBackend).mockResolvedValue({ backend: "wasm", reason: "asked for" } as never);
  vi.stubGlobal("fetch", async () =>
    Response.json({ part: 5, device: "d1", samples: [{ text: "assigned" }] }),
  );
});
afterEach(() => vi.unstubAllGlobals());

const choice = { backend: "webgpu", reason: "a GPU" } as unknown as BackendChoice;
const request = (change: Partial<LoadRequest> = {}): LoadRequest => ({
  ...{ site: "http://here/", run, participantId: "p1", token: "secret", part: 0, ownTexts: null, choice },
  ...change,
});
const classification: LoadRequest["run"] = {
  ...run,
  task: { ...run.task, kind: "classification", labels: ["ham", "spam"] },
};
const rows = Array.from({ length: 80 }, (_, i) => ({
  text: `sentence number ${i} of a file of one's own`,
  label: i % 2 ? "Spam" : "ham",
  line: i + 2,
}));
const own = (change: Partial<OwnTexts> = {}): OwnTexts => ({
  id: "1",
  fileName: "diary.csv",
  rows,
  ...change,
});
const never = new AbortController().signal;
const loadFor = (change: Partial<LoadRequest> = {}, post: (message: FromWorker) => void = () => {}) =>
  load(request(change), never, post);

it("fetches nothing of a model that does not fit", async () => {
  vi.mocked(expectFit).mockRejectedValueOnce(
    new DeviceUnfitError({ kind: "slow", stepSeconds: 90, roundSeconds: 60 }),
  );
  vi.mocked(loadModel).mockClear();
  await expect(loadFor()).rejects.toThrow("would take this device about 90 s");
  expect(loadModel).not.toHaveBeenCalled();
});

it("takes the texts that the coordinator has for it", async () => {
  const loaded = await loadFor();
  expect(loaded).toMatchObject({
    source: { kind: "assigned", device: "d1" },
    part: 5,
    // Of what it got, though it was dealt another part when it asked.
    key: loadKey(run, "p1", null, 5),
    sampleCount: 1,
    ownHeldOut: null,
  });
  expect(trained).toEqual([[{ text: "assigned" }]]);
});

it("asks again for its texts while a gateway is without its run, until something else is wanted", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const statuses = [503, 502];
  const answer = () => Response.json({ part: 1, device: "d1", samples: [{ text: "assigned" }] });
  const fetched = vi.fn(async () => {
    const status = statuses.shift();
    return status === undefined ? answer() : new Response(null, { status });
  });
  vi.stubGlobal("fetch", fetched);
  const loading = loadFor();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(await loading).toMatchObject({ part: 1 });
  statuses.push(...Array<number>(100).fill(503));
  const abort = new AbortController();
  const given = load(request(), abort.signal, () => {});
  given.catch(() => {});
  await vi.advanceTimersByTimeAsync(3_500);
  abort.abort(new Error("dealt again"));
  await expect(given).rejects.toThrow("dealt again");
  expect(fetched).toHaveBeenCalledTimes(7);
  vi.useRealTimers();
});

it("asks for texts where the run has none", async () => {
  vi.stubGlobal("fetch", async () => Response.json({ device: "d1", samples: [] }));
  await expect(loadFor()).rejects.toThrow(TextsWantedError);
});

it("takes one file for what the task makes of it, whichever task that is", async () => {
  await loadFor({ ownTexts: own() });
  expect(trained[0]!.every(({ label }) => label === undefined)).toBe(true);
  trained.length = 0;
  const loaded = await loadFor({ ownTexts: own(), run: classification });
  expect(trained[0]!.map(({ label }) => label)).toEqual(rows.map((_, i) => i % 2));
  expect(loaded).toMatchObject({ source: { kind: "own", fileName: "diary.csv" }, part: null });
});

it("wants another file where this one does not fit the task, and is no worse off", async () => {
  const unlabelled = own({ rows: rows.map(({ text, line }) => ({ text, line })) });
  await expect(loadFor({ ownTexts: unlabelled, run: classification })).rejects.toThrow(
    new TextsWantedError("diary.csv, line 2: expected a label (ham or spam), got none"),
  );
});

it("loads an edited file of the same name again", () => {
  expect(loadKey(run, "p1", own(), 0)).toBe(loadKey(run, "p1", own(), 0));
  expect(loadKey(run, "p1", own({ id: "2" }), 0)).not.toBe(loadKey(run, "p1", own(), 0));
  expect(loadKey(run, "p1", null, 0)).not.toBe(loadKey(run, "p1", own(), 0));
});

it("holds the model as the run says, and loads it again where that changes", async () => {
  const small = { ...run, config: { ...run.config, baseType: "int8" as const } };
  await loadFor({ run: small });
  expect(vi.mocked(createTrainer).mock.lastCall?.[0]).toMatchObject({ base: "int8" });
  expect(loadKey(small, "p1", null, 0)).not.toBe(loadKey(run, "p1", null, 0));
});

it("gives back what a GPU that fails to warm up has taken, and goes on without it", async () => {
  vi.mocked(createTrainer)
    .mockResolvedValueOnce(trainer("gpu", () => Promise.reject(new Error("no such shader\nand pages more"))))
    .mockResolvedValueOnce(trainer("cpu", warm));
  const said: FromWorker[] = [];
  const loaded = await loadFor({}, (message) => said.push(message));
  expect(disposed).toEqual(["gpu"]);
  expect(loaded.warmUp).toEqual({ firstStepSeconds: 1, stepSeconds: 0.1 });
  expect(said.filter(({ kind }) => kind === "warming-up")).toMatchObject([
    { choice: { backend: "webgpu" } },
    { choice: { backend: "wasm", reason: expect.stringContaining("(no such shader)") } },
  ]);
});

it("says why, where nothing is left to try", async () => {
  vi.mocked(createTrainer).mockImplementation(async () =>
    trainer("any", () => Promise.reject(new Error("out of memory"))),
  );
  await expect(loadFor()).rejects.toThrow("out of memory");
  expect(disposed).toEqual(["any", "any"]);
});
