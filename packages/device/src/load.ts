/** What a device needs before its first round: the base model, its texts as token ids, and a warmed-up trainer. */
import {
  type BackendChoice,
  createTrainer,
  type Dataset,
  datasetFromSamples,
  type LocalTrainer,
  loadModel,
  type ModelConfig,
  type ModelFolder,
  parseConfig,
  pickBackend,
  rowsOf,
  type TfjsWasm,
  type Tokenizer,
  type WasmHost,
} from "@fedlodrop/lm";
import type { RunDescription } from "@fedlodrop/protocol";
import { deviceTextsSchema } from "@fedlodrop/run";
import { expectFit } from "./device-fit.ts";
import { type FromWorker, type OwnTexts, type TextSource, toPlainError } from "./messages.ts";
import { fetchManifest } from "./model/manifest.ts";
import { modelParts } from "./model/model-parts.ts";
import { openPartStore } from "./model/part-store.ts";
import { setAside } from "./own-evaluation.ts";
import { type OwnSamples, ownSamples } from "./own-samples.ts";
import { sleep } from "./pacing.ts";

export interface Loaded {
  /** `loadKey` of the run it was loaded for. */
  readonly key: string;
  readonly runId: string;
  readonly trainer: LocalTrainer;
  readonly tokenizer: Tokenizer;
  readonly dataset: Dataset;
  /** The user's own held-out text; null without one, or when it is shorter than a window. */
  readonly ownHeldOut: Dataset | null;
  /** What is measured and never trained on, in runs that devices evaluate; null when there is nothing to spare. */
  readonly kept: Dataset | null;
  readonly source: TextSource;
  /** Of the training texts; null of own ones, absent where nobody says. */
  readonly part: number | null | undefined;
  /** n_k: windows or samples. */
  readonly sampleCount: number;
  readonly warmUp: { readonly firstStepSeconds: number; readonly stepSeconds: number };
}

export interface LoadRequest {
  /** Address that the pages stand under. */
  readonly site: string;
  readonly run: RunDescription;
  readonly participantId: string;
  readonly token: string;
  /** The part that it was dealt when it asked. */
  readonly part: number;
  readonly ownTexts: OwnTexts | null;
  readonly choice: BackendChoice;
  /** The browser's when absent. */
  readonly wasmHost?: WasmHost;
  /** Files of tfjs, the fall-back, which only pages have. */
  readonly tfjsWasm?: TfjsWasm;
  /** Of the whole device; the browser is asked when absent. */
  readonly memoryBytes?: number;
}

/** Equal keys mean that nothing has to be loaded again. */
export function loadKey(
  { runId, config, adapter, task }: RunDescription,
  participantId: string,
  ownTexts: OwnTexts | null,
  part: number,
): string {
  const { model, baseType, training, split, samplesPerDevice, devices, seed, evaluateOn } = config;
  return JSON.stringify([
    runId,
    participantId,
    task.name,
    model,
    baseType,
    training,
    split,
    samplesPerDevice,
    devices,
    seed,
    evaluateOn.kind,
    adapter,
    ownTexts?.id ?? part,
  ]);
}

/** The run has no texts for this device: the user has to bring some. */
export class TextsWantedError extends Error {
  override readonly name = "TextsWantedError";
}

const LONGEST_PROBLEM = 160;

/** WebGPU that does not start after all is replaced by WASM, with the reason in the page's words. */
export async function load(
  {
    site,
    run,
    participantId,
    token,
    part: dealt,
    ownTexts,
    choice,
    wasmHost,
    tfjsWasm,
    memoryBytes,
  }: LoadRequest,
  signal: AbortSignal,
  post: (message: FromWorker) => void,
): Promise<Loaded> {
  let isLoading = true;
  const address = `${site}models/${run.modelVersion}/`;
  const manifest = await fetchManifest(address, signal);
  const folder = modelParts({
    address,
    manifest,
    store: await openPartStore(manifest.version),
    signal,
    onProgress(file, receivedBytes, totalBytes) {
      // Later the weights are read again only to make good a lost GPU.
      if (isLoading) post({ kind: "loading", file, receivedBytes, totalBytes });
    },
  });
  const unsureBytes = await expectFit({
    ...{ model: await readConfig(folder), run, choice },
    ...(wasmHost && { wasmHost }),
    ...(memoryBytes !== undefined && { memoryBytes }),
  });
  const { model, tokenizer } = await loadModel(folder);
  const { samples, heldOut, source, part } = ownTexts
    ? ownData(ownTexts, run.task)
    : await assignedTexts(site, token, signal);
  const shape = { kind: run.task.kind, sequenceLength: run.config.training.sequenceLength };
  const whole = datasetFromSamples(samples, tokenizer, shape);
  // Only a language model's own texts are held out in part.
  const heldOutTokens = tokenizer.encode(heldOut.map(({ text }) => text).join("\n")).length;
  const ownHeldOut =
    heldOutTokens > shape.sequenceLength ? datasetFromSamples(heldOut, tokenizer, shape) : null;
  const { trained: dataset, kept } =
    run.config.evaluateOn.kind === "devices" && ownHeldOut === null
      ? setAside(whole)
      : { trained: whole, kept: ownHeldOut };

  const start = async (chosen: BackendChoice) => {
    const trainer = await createTrainer({
      backend: chosen.backend,
      model,
      adapter: run.adapter,
      base: run.config.baseType,
      ...(wasmHost && { wasmHost }),
      ...(tfjsWasm && { tfjsWasm }),
    });
    post({ kind: "warming-up", choice: chosen, unsureBytes });
    try {
      return { trainer, warmUp: await trainer.warmUp(dataset, run.config.training) };
    } catch (error) {
      trainer.dispose();
      throw error;
    }
  };
  const started = await start(choice).catch(async (error: unknown) => {
    if (choice.backend !== "webgpu") throw error;
    // Shader compilers write pages; their first line says what is wrong.
    const [problem = ""] = toPlainError(error).message.split("\n");
    const detail = problem.slice(0, LONGEST_PROBLEM);
    return start({
      ...(await pickBackend("wasm")),
      reason: `WebGPU failed here, so training is on the CPU (${detail}).`,
      wasAsked: false,
      webgpu: { kind: "absent", detail, missing: "start" },
    });
  });
  isLoading = false;
  return {
    ...started,
    // It may have been dealt another one meanwhile.
    key: loadKey(run, participantId, ownTexts, part ?? dealt),
    runId: run.runId,
    tokenizer,
    dataset,
    ownHeldOut,
    kept,
    source,
    part,
    sampleCount: rowsOf(dataset).length,
  };
}

/** All that its needs follow from. */
async function readConfig(folder: ModelFolder): Promise<ModelConfig> {
  const bytes = await folder.read("config.json");
  if (bytes === null) throw new Error("config.json: the model has no such file");
  // What ends a text, which some configs leave to the tokenizer, changes no need.
  return parseConfig(JSON.parse(new TextDecoder().decode(bytes)), [0]);
}

interface DeviceData extends OwnSamples, Pick<Loaded, "part"> {
  readonly source: TextSource;
}

/** A file that does not fit the run's task is no fault of the device: another one is wanted. */
function ownData(ownTexts: OwnTexts, task: RunDescription["task"]): DeviceData {
  try {
    return {
      ...ownSamples(ownTexts, task),
      source: { kind: "own", fileName: ownTexts.fileName },
      part: null,
    };
  } catch (cause) {
    throw new TextsWantedError((cause as Error).message, { cause });
  }
}

/** The gateway that is asked may have lost its run for a moment, as when the host sets up another one. */
const AWAY_FOR_NOW: ReadonlySet<number> = new Set([502, 503, 504]);
const ASK_AGAIN_SECONDS = 1;

async function assignedTexts(site: string, token: string, signal: AbortSignal): Promise<DeviceData> {
  const ask = () => fetch(`${site}api/split`, { signal, headers: { authorization: `Bearer ${token}` } });
  let response = await ask();
  while (AWAY_FOR_NOW.has(response.status)) {
    await sleep(ASK_AGAIN_SECONDS, signal);
    response = await ask();
  }
  if (!response.ok) throw new Error(`/api/split: expected this device's texts, got HTTP ${response.status}`);
  const { part, device, samples } = deviceTextsSchema.parse(await response.json());
  if (samples.length === 0)
    throw new TextsWantedError("This run has no texts of its own: choose a file to take part.");
  return { samples, heldOut: [], source: { kind: "assigned", device }, part };
}
