/** Gradients of a sub-adapter from trainers that give them for full ones. */
import { type AdapterShape, adapterLayout, adapterSize, gatherValues } from "@fedlodrop/run";
import { type Rescale, rescaleFactor } from "../adapter/rescale.ts";
import type { Dataset } from "../data/dataset.ts";
import type { LocalTrainer } from "./trainer.ts";

export interface KeptValues {
  readonly dropoutRate: number;
  readonly rescale: Rescale;
  /** Places in the full vector, ascending. */
  readonly indices: Uint32Array;
  readonly values: Float32Array;
}

/**
 * The full adapter that computes what the sub-adapter does: g·B′A′ is the product of one that is zero where values were
 * dropped and has g on B's side. `factors` is g there and 1 elsewhere.
 */
export function asFullAdapter(shape: AdapterShape, { dropoutRate, rescale, indices, values }: KeptValues) {
  const g = rescaleFactor(rescale, dropoutRate);
  const factors = new Float32Array(adapterSize(shape)).fill(1);
  for (const { name, offset, size } of adapterLayout(shape))
    if (name.endsWith(".loraB")) factors.fill(g, offset, offset + size);
  const adapter = new Float32Array(factors.length);
  indices.forEach((index, i) => {
    adapter[index] = (values[i] as number) * (factors[index] as number);
  });
  return { adapter, factors };
}

/** Of the mean loss over these texts, in each kept value. */
export async function maskedGradient(
  trainer: Pick<LocalTrainer, "gradient">,
  shape: AdapterShape,
  kept: KeptValues,
  texts: Dataset,
): Promise<Float32Array> {
  const { adapter, factors } = asFullAdapter(shape, kept);
  const gradient = await trainer.gradient(texts, adapter);
  return gatherValues(
    gradient.map((value, i) => value * (factors[i] as number)),
    kept.indices,
  );
}
