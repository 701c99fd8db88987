/**
 * One dispatch as text and numbers: the WGSL, what its bindings are, its sizes and its grid. Programs of one text share
 * a pipeline, so what differs from call to call (sizes, offsets, kept counts) is a number in `Sizes`. Text is what registers and types
 * need at compile time: widths of heads, rows an invocation owns, whether rows and offsets are whole vectors.
 */
import type { BufferId, WeightName } from "../../ops/buffer.ts";

/** What a binding shows to the shader. */
export type Operand =
  | { readonly kind: "buffer"; readonly buffer: BufferId }
  | { readonly kind: "weight"; readonly name: WeightName; readonly part: "values" | "scales" }
  /** Memory of the engine's own within one call, numbered; sized by the largest request. */
  | { readonly kind: "scratch"; readonly number: number; readonly bytes: number };

export interface Binding {
  readonly operand: Operand;
  readonly writable: boolean;
}

export interface Program {
  readonly label: string;
  readonly code: string;
  /** Bindings 1, 2, …; binding 0 is `Sizes`. */
  readonly bindings: readonly Binding[];
  /** Words of the `Sizes` uniform. */
  readonly sizes: Uint32Array<ArrayBuffer>;
  readonly workgroups: readonly [number, number, number];
}

export type ElementText = "f32" | "i32" | "u32" | "vec4<f32>" | "vec2<u32>" | "vec4<f16>";

/** A dimension of a dispatch may have 65,535 workgroups. */
const MAX_WORKGROUPS = 65535;

interface OpenBinding {
  readonly name: string;
  readonly type: ElementText;
  readonly operand: Operand;
  writable: boolean;
}

/** Collects the bindings and sizes of one program while its body is written. */
export class ProgramText {
  private readonly label: string;
  private readonly bindings: OpenBinding[] = [];
  private readonly sizeNames: string[] = [];
  private readonly sizeWords: number[] = [];
  private readonly declarations: string[] = [];
  private readonly features = new Set<string>();

  constructor(label: string) {
    this.label = label;
  }

  /** The shader's name of memory that is read. Memory asked for twice in the same type is bound once. */
  read(from: BufferId | Operand, type: "f32" | "i32" | "vec4<f32>" = "f32"): string {
    return this.bind(operandOf(from), type, false);
  }

  write(to: BufferId | Operand, type: "f32" | "vec4<f32>" = "f32"): string {
    return this.bind(operandOf(to), type, true);
  }

  weight(name: WeightName, part: "values" | "scales", type: ElementText): string {
    return this.bind({ kind: "weight", name, part }, type, false);
  }

  /** An unsigned integer of this call. */
  integer(name: string, value: number): string {
    return this.size(`${name} : u32`, name, value);
  }

  float(name: string, value: number): string {
    const [bits] = new Uint32Array(Float32Array.of(value).buffer);
    return this.size(`${name} : f32`, name, bits as number);
  }

  /** Functions and workgroup variables beside main. */
  declare(text: string): void {
    this.declarations.push(text);
  }

  enable(feature: "subgroups" | "f16"): void {
    this.features.add(feature);
  }

  /** One invocation a `count`; the body sees `index`. */
  each(count: number, workgroup: number, body: string): Program {
    const groups = Math.ceil(count / workgroup);
    const columns = Math.min(groups, MAX_WORKGROUPS);
    const end = this.integer("invocations", count);
    return this.grid(
      [columns, Math.ceil(groups / columns), 1],
      workgroup,
      `let index = (group.y * groups.x + group.x) * ${workgroup}u + local;
       if (index >= ${end}) { return; }
       ${body}`,
    );
  }

  /** The body sees `group` (vec3u), `groups` (vec3u) and `local` (u32). */
  grid(workgroups: readonly [number, number, number], workgroup: number, body: string): Program {
    const tooMany = workgroups.find((count) => count > MAX_WORKGROUPS);
    if (tooMany !== undefined)
      throw new Error(`${this.label}: expected at most ${MAX_WORKGROUPS} workgroups, got ${tooMany}`);
    // A uniform's struct is never empty, so that every pipeline has binding 0.
    if (this.sizeNames.length === 0) this.integer("unused", 0);
    const code = `${[...this.features].map((feature) => `enable ${feature};\n`).join("")}
struct Sizes { ${this.sizeNames.join(", ")} }
@group(0) @binding(0) var<uniform> sizes : Sizes;
${this.bindings
  .map(
    ({ name, type, writable }, i) =>
      `@group(0) @binding(${i + 1}) var<storage, ${writable ? "read_write" : "read"}> ${name} : array<${type}>;`,
  )
  .join("\n")}
${this.declarations.join("\n")}
@compute @workgroup_size(${workgroup})
fn main(@builtin(workgroup_id) group : vec3u, @builtin(num_workgroups) groups : vec3u,
        @builtin(local_invocation_index) local : u32) {
${body}
}`;
    return {
      label: this.label,
      code,
      bindings: this.bindings.map(({ operand, writable }) => ({ operand, writable })),
      sizes: Uint32Array.from(this.sizeWords),
      workgroups,
    };
  }

  private size(declaration: string, name: string, word: number): string {
    this.sizeNames.push(declaration);
    this.sizeWords.push(word);
    return `sizes.${name}`;
  }

  private bind(operand: Operand, type: ElementText, writable: boolean): string {
    const known = this.bindings.find(
      (binding) => binding.type === type && sameOperand(binding.operand, operand),
    );
    if (known) {
      known.writable ||= writable;
      return known.name;
    }
    const name = `b${this.bindings.length + 1}`;
    this.bindings.push({ name, type, operand, writable });
    return name;
  }
}

const operandOf = (from: BufferId | Operand): Operand =>
  typeof from === "number" ? { kind: "buffer", buffer: from } : from;

function sameOperand(a: Operand, b: Operand): boolean {
  switch (a.kind) {
    case "buffer":
      return b.kind === "buffer" && a.buffer === b.buffer;
    case "weight":
      return b.kind === "weight" && a.name === b.name && a.part === b.part;
    case "scratch":
      return b.kind === "scratch" && a.number === b.number;
    default:
      return a satisfies never;
  }
}

/** `count` pieces of text, one after the other. */
export function repeat(count: number, text: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => text(i)).join("\n");
}

/** A finite number as an f32 literal. */
export function literal(value: number): string {
  const text = String(value);
  return `${/[.e]/.test(text) ? text : `${text}.0`}f`;
}
