import { adapterShape, measureProducts, parseConfig } from "@fedlodrop/lm";
import { DEFAULT_RUN_CONFIG } from "@fedlodrop/run";
import { afterEach, expect, test, vi } from "vitest";
import { run } from "./coordinator.fixture.ts";
import { expectFit } from "./device-fit.ts";

vi.mock("@fedlodrop/lm", async (original) => ({
  ...(await original<typeof import("@fedlodrop/lm")>()),
  measureProducts: vi.fn(async () => 1e12),
}));
afterEach(() => vi.unstubAllGlobals());

/** Shape of a Llama of 135 million parameters. */
const model = parseConfig({
  ...{
    model_type: "llama",
    vocab_size: 49_152,
    hidden_size: 576,
    intermediate_size: 1536,
    num_hidden_layers: 30,
  },
  ...{
    num_attention_heads: 9,
    num_key_value_heads: 3,
    max_position_embeddings: 2048,
    tie_word_embeddings: true,
  },
  ...{ eos_token_id: 0, hidden_act: "silu" },
});
const adapter = adapterShape(model, { rank: 8, alpha: 16, targetModules: null });
const choice = {
  backend: "wasm",
  reason: "",
  wasAsked: false,
  webgpu: { kind: "absent", detail: "" },
} as const;

const fit = (settings: Partial<typeof DEFAULT_RUN_CONFIG> = {}, memoryBytes?: number) =>
  expectFit({
    ...{ model, choice, run: { ...run, adapter, config: { ...DEFAULT_RUN_CONFIG, ...settings } } },
    ...(memoryBytes !== undefined && { memoryBytes }),
  });
const training = (batchSize: number, sequenceLength: number) => ({
  ...DEFAULT_RUN_CONFIG.training,
  batchSize,
  sequenceLength,
});

test("a device with room takes it", async () => {
  vi.stubGlobal("navigator", { deviceMemory: 8 });
  expect(await fit()).toBeNull();
});

test("one that does not say what it has is warned of a large model, not refused", async () => {
  vi.stubGlobal("navigator", { userAgent: "Mozilla/5.0 (iPhone) Mobile Safari" });
  expect(await fit()).toBeNull();
  expect(await fit({ training: training(32, 128) })).toBeGreaterThan(2 ** 30);
  // What WebAssembly cannot address is no guess.
  await expect(fit({ training: training(512, 1024) })).rejects.toThrow("needs");
});

test("a program knows what its machine has", async () => {
  expect(await fit({}, 8 * 2 ** 30)).toBeNull();
  await expect(fit({}, 2 ** 30)).rejects.toThrow("this device has about 537 MB for it");
});

test("one without hears what would fit", async () => {
  vi.stubGlobal("navigator", { deviceMemory: 1 });
  await expect(fit()).rejects.toThrow(
    /^The model needs 6\d\d MB of memory, and this device has about 537 MB for it\. The host can make it fit with the model in f16$/,
  );
  await fit({ baseType: "int8" });
  await expect(fit({ baseType: "int8", training: training(64, 1024) })).rejects.toThrow(
    /needs \d+\.\d GB of memory.*fit with a batch of \d+ or sequences of \d+ tokens$/,
  );
});

test("one that nothing helps hears that too", async () => {
  vi.stubGlobal("navigator", { deviceMemory: 0.1 });
  await expect(fit()).rejects.toThrow("No setting makes it small enough");
});

test("one that is too slow is told by how much", async () => {
  vi.stubGlobal("navigator", { deviceMemory: 8 });
  vi.mocked(measureProducts).mockResolvedValueOnce(1e9);
  await expect(fit()).rejects.toThrow(
    /One step of training would take this device about \d+ s, and a round is over after 60 s/,
  );
});
