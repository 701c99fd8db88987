/** What an engine is to hold of a model, as its kernels multiply with it. */
import type { HostWeight, LazyWeight } from "../plan/weight.ts";
import { architectureOf } from "./architecture.ts";
import type { LanguageModel } from "./language-model.ts";
import type { Parameter } from "./parameters.ts";
import type { TensorSource } from "./tensor-source.ts";

/** Every weight that the forward pass and the head name, in the order of the file, then what is computed. */
export function weightsOf({ config, tensors }: LanguageModel): readonly LazyWeight[] {
  const { parameters, derived = [], constants } = architectureOf(config);
  const byName = new Map(parameters.map((parameter) => [parameter.name, parameter]));
  for (const source of derived.flatMap(({ from }) => from)) byName.delete(source);
  return [
    ...[...tensors.shapes.keys()].flatMap((name) => {
      const parameter = byName.get(name);
      return parameter ? [readWeight(parameter, tensors)] : [];
    }),
    ...derived.map(({ name, inFeatures, outFeatures, from, make }): LazyWeight => {
      const shape = { kind: "matrix", name, inFeatures, outFeatures } as const;
      const load = async () => {
        const sources: Float32Array[] = [];
        for (const source of from) sources.push(await tensors.read(source));
        return { ...shape, base: "f32", order: "out-in", values: make(sources) } as const;
      };
      return { ...shape, leastBits: 32, load };
    }),
    ...[...constants].map(([name, values]): LazyWeight => {
      const vector = { kind: "vector", name } as const;
      return { ...vector, size: values.length, load: async () => ({ ...vector, values }) };
    }),
  ];
}

function readWeight(parameter: Parameter, tensors: TensorSource): LazyWeight {
  const { name } = parameter;
  if (parameter.kind === "vector") {
    const load = async () => ({ kind: "vector", name, values: await tensors.read(name) }) as const;
    return { ...parameter, load };
  }
  const { inFeatures, outFeatures, order, leastBits } = parameter;
  const shape = { kind: "matrix", name, inFeatures, outFeatures } as const;
  const load = async (): Promise<HostWeight> => {
    const packed = await tensors.packed?.(name);
    return packed
      ? { ...shape, ...packed }
      : { ...shape, base: "f32", order, values: await tensors.read(name) };
  };
  return { ...shape, leastBits, load };
}
