import type { Backend } from "@fedlodrop/run";

/** What an engine says about itself, for the page and for reports. */
export interface EngineDescription {
  readonly backend: Backend;
  /** The WebGPU adapter, the WASM variant or "JavaScript". */
  readonly device: string;
  /** Which kernels are ours and which tfjs's, with the probe's times where there was a probe. */
  readonly kernels: readonly KernelChoice[];
}

export interface KernelChoice {
  readonly kernel: string;
  readonly chosen: "own" | "stock";
  /** Best times of the start-up probe on this device; absent where the choice needs none. */
  readonly measured?: { readonly ownSeconds: number; readonly stockSeconds: number };
}
