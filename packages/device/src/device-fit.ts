/** Whether this device can train the run's model: said before any of its weights are fetched. */
import {
  type BackendChoice,
  type Cure,
  type ModelConfig,
  measureProducts,
  trainingNeeds,
  type WasmHost,
  whatWouldFit,
} from "@fedlodrop/lm";
import type { RunDescription } from "@fedlodrop/protocol";

/** Why a device cannot take a run's model. */
export type Unfit =
  | {
      readonly kind: "memory";
      readonly neededBytes: number;
      readonly availableBytes: number;
      readonly cures: readonly Cure[];
    }
  /** A step takes longer than a round may. */
  | { readonly kind: "slow"; readonly stepSeconds: number; readonly roundSeconds: number };

/** This device cannot take the model; pages say it in their reader's language, the message in English. */
export class DeviceUnfitError extends Error {
  override readonly name = "DeviceUnfitError";
  readonly unfit: Unfit;

  constructor(unfit: Unfit) {
    super(inWords(unfit));
    this.unfit = unfit;
  }
}

export interface FitRequest {
  readonly model: ModelConfig;
  readonly run: RunDescription;
  readonly choice: BackendChoice;
  readonly wasmHost?: WasmHost;
  /** Of the whole device; what the browser says when absent, and some say nothing. */
  readonly memoryBytes?: number;
}

/** Of what a device has, what browsers let a tab have. Source: Chromium's limits of a renderer process. */
const PROGRAM_SHARE = 0.5;
/** What is no question on any device that opens a page: less is worth no word where nobody says what there is. */
const SMALL_BYTES = 2 ** 30;
/** Addresses of WebAssembly are 32 bits. */
const WASM_BYTES = 4 * 2 ** 30;
/** Smaller steps are quick on whatever can open a page: no reason to look. */
const WORTH_A_PROBE = 4e9;
/** Of the rate of one product a whole step reaches about half (docs/engine.md). */
const STEP_SHARE = 0.5;

/** @returns bytes that it may lack, where nobody says what there is; else null @throws DeviceUnfitError */
export async function expectFit(request: FitRequest): Promise<number | null> {
  const { model, run, choice, wasmHost, memoryBytes = statedMemory() } = request;
  const { config, adapter } = run;
  const { baseType, training, deadlineSeconds } = config;
  const { weightBytes, stepBytes, multiplyAdds } = trainingNeeds(model, adapter, baseType, training);
  const needed = weightBytes + stepBytes;
  const available = Math.min(
    memoryBytes === null ? Number.POSITIVE_INFINITY : memoryBytes * PROGRAM_SHARE,
    choice.backend === "wasm" ? WASM_BYTES : Number.POSITIVE_INFINITY,
  );
  if (needed > available) {
    const cures = whatWouldFit(model, adapter, baseType, training, available);
    throw new DeviceUnfitError({
      kind: "memory",
      neededBytes: needed,
      availableBytes: available,
      cures,
    });
  }
  const unsure = memoryBytes === null && needed > SMALL_BYTES ? needed : null;
  if (multiplyAdds < WORTH_A_PROBE) return unsure;
  // An engine that does not start is found out, and replaced, where it is opened to train.
  const rate = await measureProducts(choice.backend, wasmHost).catch(() => null);
  if (rate === null) return unsure;
  const stepSeconds = multiplyAdds / (rate * STEP_SHARE);
  if (stepSeconds > deadlineSeconds)
    throw new DeviceUnfitError({ kind: "slow", stepSeconds, roundSeconds: deadlineSeconds });
  return unsure;
}

/** Bytes, rounded; null in browsers that do not say. */
function statedMemory(): number | null {
  const { deviceMemory } = (globalThis.navigator ?? {}) as { readonly deviceMemory?: number };
  return deviceMemory === undefined ? null : deviceMemory * 2 ** 30;
}

function inWords(unfit: Unfit): string {
  switch (unfit.kind) {
    case "memory": {
      const { neededBytes, availableBytes, cures } = unfit;
      return `The model needs ${inGigabytes(neededBytes)} of memory, and this device has about ${inGigabytes(availableBytes)} for it. ${
        cures.length === 0
          ? "No setting makes it small enough: a device with more memory can take part"
          : `The host can make it fit with ${cures.map(cureInWords).join(" or ")}`
      }`;
    }
    case "slow":
      return `One step of training would take this device about ${Math.round(unfit.stepSeconds)} s, and a round is over after ${Math.round(unfit.roundSeconds)} s. The host can give rounds more time, or make steps smaller: fewer samples in a batch, shorter ones, or a smaller model`;
    default:
      return unfit satisfies never;
  }
}

function cureInWords(cure: Cure): string {
  switch (cure.kind) {
    case "batch":
      return `a batch of ${cure.samples}`;
    case "length":
      return `sequences of ${cure.tokens} tokens`;
    case "base":
      return `the model in ${cure.base}`;
    default:
      return cure satisfies never;
  }
}

const inGigabytes = (bytes: number): string =>
  bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
