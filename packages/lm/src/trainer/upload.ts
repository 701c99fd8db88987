/** Frozen weights onto an engine, one tensor at a time. */
import type { Architecture } from "../models/architecture.ts";
import type { Engine } from "../plan/engine.ts";
import { quantise } from "../plan/quantise.ts";
import { type BaseType, type DenseWeight, type HostWeight, weightShape } from "../plan/weight.ts";
import { inBytes } from "./memory.ts";

/** @returns bytes that the weights take. @throws one line, before anything is allocated where memory is the reason. */
export async function uploadWeights(engine: Engine, model: Architecture, base: BaseType): Promise<number> {
  const { bases, availableBytes } = engine.capabilities;
  const { device } = engine.description;
  if (!bases.includes(base)) throw new Error(`weights: ${device} holds ${bases.join(", ")}, not ${base}`);
  const baseOf = (weight: DenseWeight): BaseType => (model.exactWeights.has(weight.name) ? "f32" : base);
  let bytes = 0;
  for (const weight of model.weights()) bytes += engine.weightBytes(weightShape(weight, baseOf(weight)));
  if (availableBytes !== null && bytes > availableBytes)
    throw new Error(
      `memory: the weights in ${base} need ${inBytes(bytes)}, ${inBytes(availableBytes)} are available`,
    );
  for (const weight of model.weights()) {
    checkFinite(weight);
    await engine.upload(encode(weight, baseOf(weight)));
  }
  return bytes;
}

function encode(weight: DenseWeight, base: BaseType): HostWeight {
  return weight.kind === "vector" ? weight : quantise(weight, base);
}

function checkFinite({ name, values }: DenseWeight): void {
  const broken = values.findIndex((value) => !Number.isFinite(value));
  if (broken >= 0)
    throw new Error(`weights: expected ${name} to be finite, got ${values[broken]} at element ${broken}`);
}
