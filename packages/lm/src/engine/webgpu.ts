import type { Engine } from "./engine.ts";

export async function openWebgpu(): Promise<Engine> {
  throw new Error("WebGPU: not available");
}
