/** Kernel calls with random numbers for all they read, and poison where they write: what engine.contract.ts runs. */
import { createRandom, type Random } from "@fedlodrop/run";
import type { BufferId, ElementType } from "../../ops/buffer.ts";
import { accessesOf, type KernelCall } from "../../plan/kernel.ts";
import { quantise } from "../../plan/quantise.ts";
import type { BaseType, HostWeight } from "../../plan/weight.ts";

export interface KernelCase {
  readonly name: string;
  /** One, or some that an engine may carry out as one. */
  readonly calls: readonly KernelCall[];
  readonly buffers: readonly CaseBuffer[];
  readonly weights: readonly HostWeight[];
}

export interface CaseBuffer {
  readonly type: ElementType;
  /** NaN where nothing but the call itself may write. */
  readonly values: Float32Array | Int32Array;
}

export type Draw = (builder: CaseBuilder) => KernelCase;

/** Draws the parts of a case; `buffers` and `weights` gather what the call names. */
export class CaseBuilder {
  readonly random: Random;
  private readonly buffers: CaseBuffer[] = [];
  private readonly weights: HostWeight[] = [];

  constructor(seed: string) {
    this.random = createRandom("kernel case", seed);
  }

  /** Normal values. */
  reals(size: number, deviation = 1): BufferId {
    return this.push(
      "f32",
      Float32Array.from({ length: size }, () => deviation * this.random.normal()),
    );
  }

  given(values: Float32Array | Int32Array): BufferId {
    return this.push(values instanceof Int32Array ? "i32" : "f32", values);
  }

  /** Integers in [0, bound). */
  integers(size: number, bound: number): BufferId {
    return this.given(Int32Array.from({ length: size }, () => this.random.below(bound)));
  }

  /** `size` different integers in [0, bound), ascending. */
  subset(size: number, bound: number): Int32Array {
    const all = Array.from({ length: bound }, (_, i) => ({ i, key: this.random.uniform() }));
    const chosen = all.sort((a, b) => a.key - b.key).slice(0, size);
    return Int32Array.from(chosen, ({ i }) => i).sort();
  }

  /** A place that the call must fill. */
  poison(size: number): BufferId {
    return this.push("f32", new Float32Array(size).fill(Number.NaN));
  }

  vector(size: number): string {
    const name = `vector ${this.weights.length}`;
    const values = Float32Array.from({ length: size }, () => 1 + 0.3 * this.random.normal());
    this.weights.push({ kind: "vector", name, values });
    return name;
  }

  matrix(inFeatures: number, outFeatures: number, base: BaseType = "f32", order?: "in-out"): string {
    const name = `matrix ${this.weights.length}`;
    const deviation = 1 / Math.sqrt(inFeatures);
    const values = Float32Array.from(
      { length: inFeatures * outFeatures },
      () => deviation * this.random.normal(),
    );
    const shape = { kind: "matrix", name, inFeatures, outFeatures } as const;
    this.weights.push(quantise({ ...shape, base: "f32", order: order ?? "out-in", values }, base));
    return name;
  }

  case(name: string, ...calls: readonly KernelCall[]): KernelCase {
    for (const { buffer, elements } of calls.flatMap(accessesOf))
      if ((this.buffers[buffer]?.values.length ?? 0) < elements)
        throw new Error(`case ${name}: buffer ${buffer} has fewer than ${elements} elements`);
    const kinds = calls.map(({ kind }) => kind).join(", ");
    return { name: `${kinds}: ${name}`, calls, buffers: this.buffers, weights: this.weights };
  }

  private push(type: ElementType, values: Float32Array | Int32Array): BufferId {
    this.buffers.push({ type, values });
    return this.buffers.length - 1;
  }
}
