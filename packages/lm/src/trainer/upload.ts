/** Frozen weights onto an engine, one tensor at a time. */
import type { LanguageModel } from "../models/language-model.ts";
import { weightsOf } from "../models/weights.ts";
import type { Engine } from "../plan/engine.ts";
import { quantise } from "../plan/quantise.ts";
import { type BaseType, type HostWeight, heldIn, type LazyWeight, weightShape } from "../plan/weight.ts";
import { inBytes } from "./memory.ts";

/** @returns bytes that the weights take. @throws one line, before anything is allocated where memory is the reason. */
export async function uploadWeights(engine: Engine, model: LanguageModel, base: BaseType): Promise<number> {
  const { bases, availableBytes, largestBufferBytes } = engine.capabilities;
  const { device } = engine.description;
  if (!bases.includes(base)) throw new Error(`weights: ${device} holds ${bases.join(", ")}, not ${base}`);
  const weights = weightsOf(model);
  let bytes = 0;
  for (const weight of weights) {
    const shape = weightShape(weight, base);
    const own = engine.weightBytes(shape);
    if (largestBufferBytes !== null && own > largestBufferBytes)
      throw new Error(
        `memory: ${weight.name} in ${shape.kind === "vector" ? "f32" : shape.base} needs a buffer of ${inBytes(own)}, the device's may have ${inBytes(largestBufferBytes)}`,
      );
    bytes += own;
  }
  if (availableBytes !== null && bytes > availableBytes)
    throw new Error(
      `memory: the weights in ${base} need ${inBytes(bytes)}, ${inBytes(availableBytes)} are available`,
    );
  for (const weight of weights) await engine.upload(inBase(await weight.load(), weight, base));
  return bytes;
}

function inBase(weight: HostWeight, as: LazyWeight, base: BaseType): HostWeight {
  if (weight.kind === "vector" || as.kind === "vector") return weight;
  const held = heldIn(base, as.leastBits);
  if (weight.base === held) return weight;
  if (weight.base === "f32") return quantise(weight, held);
  throw new Error(`weights: expected ${weight.name} in f32 or ${held}, got ${weight.base}`);
}
