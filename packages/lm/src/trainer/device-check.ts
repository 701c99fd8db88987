/** Which backend this device should train on, and why, in words for the page. */
import type { Backend } from "@fedlodrop/run";

export interface WebgpuCheck {
  readonly kind: "hardware" | "software" | "absent";
  /** The adapter's own words, or what is missing. */
  readonly detail: string;
  /** The latter by a code, where it is absent. */
  readonly missing?: "https" | "interface" | "adapter" | "start";
}

export interface BackendChoice {
  readonly backend: Backend;
  /** One sentence in plain words. */
  readonly reason: string;
  /** Somebody wanted this one; else it is the best that was found. */
  readonly wasAsked: boolean;
  readonly webgpu: WebgpuCheck;
}

/** WebGPU on a real GPU, else WASM, else plain JavaScript. An emulated GPU counts as none: WASM trains about four
 *  times faster than WebGPU on the same CPU (bench/lm-step.ts). `preferred` is taken whenever this
 *  device has it, an emulated GPU included. */
export async function pickBackend(preferred?: Backend): Promise<BackendChoice> {
  return chooseBackend(await checkWebgpu(), typeof WebAssembly === "object", preferred);
}

/** The choice itself, from what was found. */
export function chooseBackend(webgpu: WebgpuCheck, hasWasm: boolean, preferred?: Backend): BackendChoice {
  const cpu = {
    backend: "cpu",
    reason: "Training in plain JavaScript, which is slow",
    wasAsked: preferred === "cpu",
    webgpu,
  } as const;
  if (preferred === "cpu") return { ...cpu, reason: `${cpu.reason}; it was asked for.` };
  const wantsWasm = preferred === "wasm" && hasWasm;
  if (!wantsWasm && webgpu.kind === "hardware")
    return {
      backend: "webgpu",
      reason: `Training on this device's GPU (${webgpu.detail}).`,
      wasAsked: preferred === "webgpu",
      webgpu,
    };
  if (preferred === "webgpu" && webgpu.kind === "software")
    return {
      backend: "webgpu",
      reason: `Training on WebGPU as asked, on a GPU emulated by the CPU (${webgpu.detail}).`,
      wasAsked: true,
      webgpu,
    };
  const why = wantsWasm
    ? "it was asked for"
    : webgpu.kind === "software"
      ? "this browser's GPU is emulated by the CPU, where WebAssembly is faster"
      : `there is no usable GPU (${webgpu.detail})`;
  if (hasWasm)
    return {
      backend: "wasm",
      reason: `Training on the CPU with WebAssembly: ${why}.`,
      wasAsked: wantsWasm,
      webgpu,
    };
  return { ...cpu, reason: `${cpu.reason}: this browser has neither a usable GPU nor WebAssembly.` };
}

async function checkWebgpu(): Promise<WebgpuCheck> {
  const gpu = (globalThis.navigator as Partial<NavigatorGPU> | undefined)?.gpu;
  if (!gpu)
    return globalThis.isSecureContext === false
      ? { kind: "absent", detail: "WebGPU needs https or localhost", missing: "https" }
      : { kind: "absent", detail: "no WebGPU here", missing: "interface" };
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" }).catch(() => null);
  if (!adapter) return { kind: "absent", detail: "WebGPU found no adapter", missing: "adapter" };
  return { kind: isSoftware(adapter) ? "software" : "hardware", detail: adapterName(adapter.info) };
}

/** The adapter in the browser's words; most leave the description empty. */
export function adapterName(info: GPUAdapterInfo): string {
  return info.description || [info.vendor, info.architecture].filter(Boolean).join(" ") || "unnamed adapter";
}

/** Older browsers say it on the adapter, newer ones on its info. */
function isSoftware(adapter: GPUAdapter): boolean {
  const flags: readonly { readonly isFallbackAdapter?: boolean }[] = [
    adapter.info,
    adapter as { readonly isFallbackAdapter?: boolean },
  ];
  return flags.some((flag) => flag.isFallbackAdapter === true);
}
