import type { Backend } from "@fedlodrop/run";

/** What an engine says about itself, for the page and for reports. */
export interface EngineDescription {
  readonly backend: Backend;
  /** The WebGPU adapter, the WASM variant or "JavaScript". */
  readonly device: string;
  /** Which form of each kernel runs here, with the probe's times where there was a probe. */
  readonly kernels: readonly KernelChoice[];
}

export interface KernelChoice {
  readonly kernel: string;
  readonly chosen: string;
  /** Best time of each form in the start-up probe on this device; absent where the choice needs none. */
  readonly seconds?: Readonly<Record<string, number>>;
}
