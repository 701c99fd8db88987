/** Frozen weights onto an engine, one tensor at a time. */
import type { LanguageModel } from "../models/language-model.ts";
import { weightsOf } from "../models/weights.ts";
import type { Engine } from "../plan/engine.ts";
import { quantise } from "../plan/quantise.ts";
import { type BaseType, type HostWeight, type LazyWeight, weightShape } from "../plan/weight.ts";
import { inBytes } from "./memory.ts";

/** @returns bytes that the weights take. @throws one line, before anything is allocated where memory is the reason. */
export async function uploadWeights(engine: Engine, model: LanguageModel, base: BaseType): Promise<number> {
  const { bases, availableBytes } = engine.capabilities;
  const { device } = engine.description;
  if (!bases.includes(base)) throw new Error(`weights: ${device} holds ${bases.join(", ")}, not ${base}`);
  const weights = weightsOf(model);
  const baseOf = (weight: LazyWeight): BaseType =>
    weight.kind === "matrix" && weight.isExact ? "f32" : base;
  let bytes = 0;
  for (const weight of weights) bytes += engine.weightBytes(weightShape(weight, baseOf(weight)));
  if (availableBytes !== null && bytes > availableBytes)
    throw new Error(
      `memory: the weights in ${base} need ${inBytes(bytes)}, ${inBytes(availableBytes)} are available`,
    );
  for (const weight of weights) await engine.upload(inBase(await weight.load(), baseOf(weight)));
  return bytes;
}

function inBase(weight: HostWeight, base: BaseType): HostWeight {
  if (weight.kind === "vector" || weight.base === base) return weight;
  if (weight.base === "f32") return quantise(weight, base);
  throw new Error(`weights: expected ${weight.name} in f32 or ${base}, got ${weight.base}`);
}
