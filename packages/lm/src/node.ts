/** What Node adds: models from a folder, and where the WASM files are installed. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type LoadedModel, loadModel } from "./files/model-files.ts";

/** Reads a model folder in the Hugging Face layout. @throws one line naming the file that is missing or wrong. */
export function readModel(directory: string): Promise<LoadedModel> {
  return loadModel(async (name) => {
    const path = join(directory, name);
    try {
      return await readFile(path);
    } catch (cause) {
      throw new Error(`model: cannot read ${path}`, { cause });
    }
  });
}

/** Folder with tfjs-backend-wasm's .wasm files, ending in "/": `wasmBase` in Node, and what a server serves. */
export function wasmDirectory(): string {
  const packageJson = createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm/package.json");
  return `${join(dirname(packageJson), "wasm-out")}/`;
}
