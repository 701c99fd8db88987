/**
 * The engine that is easy to believe: plain loops in float64, one kernel after another. Activations share slots as the
 * plan says, poisoned before each run, so that a plan that reads what nothing wrote gives NaN here.
 */
import { fromFloat16Bits } from "@fedlodrop/protocol";
import type { BufferId, WeightName } from "../../ops/buffer.ts";
import type { Engine, Execution, Plan, PlanBuffer } from "../../plan/engine.ts";
import { BASE_TYPES, type HostWeight, INT4_BLOCK } from "../../plan/weight.ts";
import { runKernel } from "./kernels.ts";
import type { Matrix, Memory } from "./memory.ts";

export async function openReference(): Promise<Engine> {
  const vectors = new Map<WeightName, Float64Array>();
  const matrices = new Map<WeightName, Matrix>();
  return {
    description: { backend: "cpu", device: "JavaScript, float64", kernels: [] },
    capabilities: { bases: BASE_TYPES, availableBytes: null, largestBufferBytes: null },
    weightBytes: (shape) => 8 * (shape.kind === "vector" ? shape.size : shape.inFeatures * shape.outFeatures),
    async upload(weight) {
      if (vectors.has(weight.name) || matrices.has(weight.name))
        throw new Error(`weights: expected ${weight.name} once, got it again`);
      if (weight.kind === "vector") vectors.set(weight.name, Float64Array.from(weight.values));
      else matrices.set(weight.name, widen(weight));
    },
    prepare: async (plan) => execution(plan, vectors, matrices),
    dispose() {
      vectors.clear();
      matrices.clear();
    },
  };
}

function execution(
  plan: Plan,
  vectors: ReadonlyMap<WeightName, Float64Array>,
  matrices: ReadonlyMap<WeightName, Matrix>,
): Execution {
  const slots = plan.slotBytes.map((bytes) => new Float64Array(bytes / 4));
  const views = plan.buffers.map(({ slot, size }) =>
    slot === null ? new Float64Array(size) : (slots[slot] as Float64Array).subarray(0, size),
  );
  const known = <T>(found: T | undefined, what: string | number): T => {
    if (found === undefined) throw new Error(`plan: expected ${what} to exist`);
    return found;
  };
  const memory: Memory = {
    buffer: (id) => known(views[id], `buffer ${id}`),
    vector: (name) => known(vectors.get(name), `weight vector ${name}`),
    matrix: (name) => known(matrices.get(name), `weight matrix ${name}`),
  };
  const readBack = (id: BufferId): Float32Array | Int32Array => {
    const values = memory.buffer(id);
    const { type } = plan.buffers[id] as PlanBuffer;
    return type === "i32" ? Int32Array.from(values) : Float32Array.from(values);
  };
  return {
    write: (id, values) => memory.buffer(id).set(values),
    async run(segment, reads = []) {
      for (const slot of slots) slot.fill(Number.NaN);
      for (const call of known(plan.segments[segment], `segment ${segment}`)) runKernel(call, memory);
      return reads.map(readBack);
    },
    dispose() {
      views.length = 0;
    },
  };
}

/** [out, in] in float64. */
export function widen(weight: HostWeight & { readonly kind: "matrix" }): Matrix {
  const { inFeatures, outFeatures } = weight;
  const at = valueAt(weight);
  const values = new Float64Array(inFeatures * outFeatures);
  for (let o = 0; o < outFeatures; o++)
    for (let i = 0; i < inFeatures; i++) values[o * inFeatures + i] = at(i, o);
  return { inFeatures, outFeatures, values };
}

function valueAt(weight: HostWeight & { readonly kind: "matrix" }): (i: number, o: number) => number {
  const { inFeatures, outFeatures } = weight;
  switch (weight.base) {
    case "f32":
      return weight.order === "in-out"
        ? (i, o) => weight.values[i * outFeatures + o] as number
        : (i, o) => weight.values[o * inFeatures + i] as number;
    case "f16":
      return (i, o) => fromFloat16Bits(weight.bits[o * inFeatures + i] as number);
    case "int8":
      return (i, o) => (weight.codes[o * inFeatures + i] as number) * (weight.scales[o] as number);
    case "int4": {
      const blocks = Math.ceil(inFeatures / INT4_BLOCK);
      return (i, o) =>
        (weight.codes[o * inFeatures + i] as number) *
        (weight.scales[o * blocks + Math.floor(i / INT4_BLOCK)] as number);
    }
    default:
      return weight satisfies never;
  }
}
