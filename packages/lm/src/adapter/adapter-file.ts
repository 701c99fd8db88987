/** An adapter as a safetensors file: `h.0.attn.c_attn.loraA` [rank, in], …`.loraB` [out, rank], and dense parameters. */
import { type AdapterShape, adapterLayout, adapterSize } from "@fedlodrop/run";
import { parseSafetensors, serializeSafetensors } from "../files/safetensors.ts";
import { architectureOf } from "../models/architecture.ts";
import type { ModelConfig } from "../models/config.ts";
import { type AdapterOptions, adapterShape } from "./lora.ts";

export function adapterToSafetensors(shape: AdapterShape, adapter: Float32Array): Uint8Array {
  if (adapter.length !== adapterSize(shape))
    throw new Error(`adapter file: expected ${adapterSize(shape)} values, got ${adapter.length}`);
  const tensors = new Map(
    adapterLayout(shape).map((slice) => [
      slice.name,
      { shape: slice.shape, values: adapter.subarray(slice.offset, slice.offset + slice.size) },
    ]),
  );
  return serializeSafetensors(tensors, { rank: `${shape.rank}`, alpha: `${shape.alpha}` });
}

/** The flat vector of an adapter file. @throws when a tensor is missing, unknown or of another shape. */
export function adapterFromSafetensors(shape: AdapterShape, bytes: Uint8Array): Float32Array {
  const tensors = parseSafetensors(bytes);
  const layout = adapterLayout(shape);
  if (tensors.size !== layout.length)
    throw new Error(`adapter file: expected ${layout.length} tensors, got ${tensors.size}`);
  const adapter = new Float32Array(adapterSize(shape));
  for (const slice of layout) {
    const tensor = tensors.get(slice.name);
    if (tensor?.shape.join() !== slice.shape.join())
      throw new Error(
        `adapter file: expected ${slice.name} of shape [${slice.shape}], got ${tensor ? `[${tensor.shape}]` : "none"}`,
      );
    adapter.set(tensor.values, slice.offset);
  }
  return adapter;
}

/** Shape and vector of a finished run's adapter file, from the settings that the run had.
 *  @throws when the file is not of such a run */
export function openAdapterFile(
  config: ModelConfig,
  { rank, alpha, targetModules }: Omit<AdapterOptions, "labels">,
  bytes: Uint8Array,
): { readonly shape: AdapterShape; readonly adapter: Float32Array } {
  const [outermost] = architectureOf(config).classifier.parameters(2).slice(-1);
  const labels = parseSafetensors(bytes).get(outermost?.name ?? "")?.shape[0];
  const options = { rank, alpha, targetModules };
  const shape = adapterShape(config, labels === undefined ? options : { ...options, labels });
  return { shape, adapter: adapterFromSafetensors(shape, bytes) };
}
