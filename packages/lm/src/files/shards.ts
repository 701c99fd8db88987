/** Weights that are split over several safetensors files, with an index that says which tensor lies where. */
import { isModelFile } from "@fedlodrop/run";
import type { TensorSource } from "../models/tensor-source.ts";

/** @param index parsed model.safetensors.index.json: { weight_map: { tensor's name: file } }
 *  @param open opens one of the files
 *  @throws one line when the index or a file that it names is not as it says */
export async function openShards(
  index: unknown,
  open: (file: string) => Promise<TensorSource>,
): Promise<TensorSource> {
  const shapes = new Map<string, readonly number[]>();
  const owners = new Map<string, TensorSource>();
  for (const [file, names] of tensorsByFile(index)) {
    const shard = await open(file);
    const missing = [...names].find((name) => !shard.shapes.has(name));
    if (missing !== undefined) throw new Error(`expected ${missing} in ${file}, got none`);
    for (const [name, shape] of shard.shapes)
      if (names.has(name)) {
        shapes.set(name, shape);
        owners.set(name, shard);
      }
  }
  return {
    shapes,
    async read(name) {
      const shard = owners.get(name);
      if (!shard) throw new Error(`safetensors: expected a tensor ${name}, got none`);
      return shard.read(name);
    },
  };
}

function tensorsByFile(index: unknown): ReadonlyMap<string, ReadonlySet<string>> {
  const map = (index as { readonly weight_map?: unknown } | null)?.weight_map;
  if (typeof map !== "object" || map === null)
    throw new Error(`expected an object weight_map, got ${JSON.stringify(map)}`);
  const files = new Map<string, Set<string>>();
  for (const [name, file] of Object.entries(map) as [string, unknown][]) {
    if (typeof file !== "string" || !isModelFile(file))
      throw new Error(
        `expected a file model-NNNNN-of-NNNNN.safetensors for ${name}, got ${JSON.stringify(file)}`,
      );
    files.set(file, (files.get(file) ?? new Set()).add(name));
  }
  return files;
}
