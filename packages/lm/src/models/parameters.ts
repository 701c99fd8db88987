/** Frozen tensors that a model wants of its checkpoint: names, sizes, and which way its matrices are stored. */
import type { AdaptedModule } from "@fedlodrop/run";
import type { LeastBits } from "../plan/weight.ts";
import type { CommonConfig } from "./config.ts";

/** The target that stands for every matrix, as in PEFT. */
export const ALL_LINEAR = "all-linear";

/** Name of the output matrix [vocabulary, width] of a model whose head is not tied to the token embedding. */
export const UNTIED_HEAD = "lm_head.weight";

export type Parameter =
  | { readonly kind: "vector"; readonly name: string; readonly size: number }
  | {
      readonly kind: "matrix";
      readonly name: string;
      readonly inFeatures: number;
      readonly outFeatures: number;
      /** "in-out" in GPT-2's files (Conv1D), "out-in" for torch's Linear and for embedding tables. */
      readonly order: "in-out" | "out-in";
      readonly leastBits: LeastBits;
    };

/** A table [outFeatures, inFeatures] in f32 that is computed from others once, when the model is put on a device. */
export interface DerivedParameter {
  readonly name: string;
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly from: readonly string[];
  make(sources: readonly Float32Array[]): Float32Array;
}

/** As the file has it. */
export function shapeOf(parameter: Parameter): readonly number[] {
  if (parameter.kind === "vector") return [parameter.size];
  const { inFeatures, outFeatures, order } = parameter;
  return order === "in-out" ? [inFeatures, outFeatures] : [outFeatures, inFeatures];
}

/** Collects a model's parameters, and which of its matrices can carry an adapter. */
export class ParameterList {
  readonly all: Parameter[] = [];
  /** In block order: the flat layout of an adapter must not depend on how its targets were listed. */
  readonly modules: AdaptedModule[] = [];
  private readonly order: "in-out" | "out-in";

  /** @param order of its linear layers */
  constructor(order: "in-out" | "out-in" = "out-in") {
    this.order = order;
  }

  vector(name: string, size: number): void {
    this.all.push({ kind: "vector", name, size });
  }

  /** An embedding, or an output matrix: [rows, width] in the file. */
  table(name: string, rows: number, width: number, leastBits: LeastBits = 8): void {
    const sizes = { inFeatures: width, outFeatures: rows };
    this.all.push({ kind: "matrix", name, ...sizes, order: "out-in", leastBits });
  }

  /** A layer x·W (+ bias) that can be adapted. */
  linear(name: string, inFeatures: number, outFeatures: number, bias: boolean): void {
    const { order } = this;
    this.all.push({ kind: "matrix", name: `${name}.weight`, inFeatures, outFeatures, order, leastBits: 4 });
    if (bias) this.vector(`${name}.bias`, outFeatures);
    this.modules.push({ name, inFeatures, outFeatures });
  }

  /** What an architecture has of it, with the output matrix where the model has one beside the token table. */
  withHead(
    { head, vocabularySize, width }: CommonConfig,
    tokenTable: string,
  ): {
    readonly head: string | null;
    readonly parameters: readonly Parameter[];
    readonly modules: readonly AdaptedModule[];
  } {
    if (head === "own") this.table(UNTIED_HEAD, vocabularySize, width);
    const name = { tied: tokenTable, own: UNTIED_HEAD, none: null }[head];
    return { head: name, parameters: this.all, modules: this.modules };
  }

  layerNorm(name: string, width: number): void {
    this.vector(`${name}.weight`, width);
    this.vector(`${name}.bias`, width);
  }

  rmsNorm(name: string, width: number): void {
    this.vector(`${name}.weight`, width);
  }
}
