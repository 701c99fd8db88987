/**
 * A forward pass that knows its backward pass. Layers (layers.ts) emit the calls of their forward formula at once and
 * leave behind what to emit for the backward one; the tape exists while a plan is made and never at run time.
 * Gradients flow only through what depends on trained values.
 */
import type { AdapterPlacement } from "../adapter/placement.ts";
import type { BufferId } from "../ops/buffer.ts";
import type { PlanBuilder } from "./builder.ts";

/** An activation of `rows` rows. */
export interface Value {
  readonly buffer: BufferId;
  readonly rows: number;
  readonly width: number;
  /** Whether a trained value had part in it. */
  readonly trained: boolean;
}

/** Trained values and indices of kept columns and rows, as buffers of the plan. */
export interface AdapterBuffers {
  readonly placement: AdapterPlacement;
  readonly values: BufferId; // f32 [valueCount], kernel order
  readonly indices: BufferId; // i32 [indexCount]
  readonly gradient: BufferId | null; // f32 [valueCount]
}

/** What the rows are: whole sequences side by side, or the next tokens of one sequence with cached keys and values. */
type TokenRows =
  | {
      readonly kind: "sequences";
      readonly batch: number;
      readonly length: number;
      /** i32 [batch], real tokens of each; null where causality hides padding. */
      readonly lengths: BufferId | null;
    }
  | {
      readonly kind: "cached";
      readonly rows: number;
      /** Tokens a cache holds. */
      readonly capacity: number;
      /** Key and value cache of a layer, [capacity, width] each. */
      readonly cache: (
        layer: number,
        width: number,
      ) => { readonly keys: BufferId; readonly values: BufferId };
    };

export interface NetworkOptions {
  readonly tokens: TokenRows;
  readonly ids: BufferId; // i32 [rows]
  readonly positions: BufferId; // i32 [rows]
  readonly adapter: AdapterBuffers | null;
  /** Blocks, counted from the first, whose activations are computed again in the backward pass instead of kept. */
  readonly recomputedBlocks: number;
}

export class Network {
  readonly plan: PlanBuilder;
  readonly options: NetworkOptions;
  readonly rows: number;
  private tape: (() => void)[] = [];
  private postponed: (() => void)[] = [];
  private readonly gradients = new Map<BufferId, BufferId>();
  private blocks = 0;

  constructor(plan: PlanBuilder, options: NetworkOptions) {
    this.plan = plan;
    this.options = options;
    const { tokens } = options;
    this.rows = tokens.kind === "sequences" ? tokens.batch * tokens.length : tokens.rows;
  }

  value(name: string, rows: number, width: number, trained: boolean): Value {
    return { buffer: this.plan.activation(name, rows * width), rows, width, trained };
  }

  /** `emit` is called in the backward pass with the gradient of `out`, if there is one. */
  onBackward(out: Value, emit: (dOut: BufferId) => void): void {
    if (!out.trained) return;
    this.tape.push(() => {
      const dOut = this.gradients.get(out.buffer);
      if (dOut !== undefined) emit(dOut);
    });
  }

  /** In the backward pass: emits what nothing there waits for, after the rest of its stage; at once where memory is short,
   *  for its inputs have to be kept until then. */
  later(emit: () => void): void {
    if (this.isShort) emit();
    else this.postponed.push(emit);
  }

  /** A part of x's gradient from a kernel that can add what came before to it. */
  addGradient(x: Value, emit: (dx: BufferId, add: BufferId | null) => void): void {
    if (!x.trained) return;
    const dx = this.plan.activation("gradient", x.rows * x.width);
    emit(dx, this.gradients.get(x.buffer) ?? null);
    this.gradients.set(x.buffer, dx);
  }

  /** A part of x's gradient that is there already, such as what comes along a residual path. */
  passGradient(x: Value, gradient: BufferId): void {
    if (!x.trained) return;
    const before = this.gradients.get(x.buffer);
    if (before === undefined) {
      this.gradients.set(x.buffer, gradient);
      return;
    }
    const size = x.rows * x.width;
    const out = this.plan.activation("gradient", size);
    this.plan.emit({ kind: "add", a: before, b: gradient, out, size });
    this.gradients.set(x.buffer, out);
  }

  /** One block of the model, a stage of its own forward and backward: its activations are kept for the backward pass, or
   *  its forward pass runs again there. */
  block(x: Value, body: (x: Value) => Value): Value {
    if (this.isShort) this.plan.shortenStages();
    this.plan.endStage();
    this.tape.push(() => this.endBackwardStage());
    if (this.blocks++ >= this.options.recomputedBlocks) return body(x);
    const outer = this.tape;
    this.tape = [];
    const out = body(x);
    this.tape = outer;
    this.onBackward(out, (dOut) => {
      const suspended = this.tape;
      this.tape = [];
      this.gradients.set(body(x).buffer, dOut);
      this.runBackward();
      this.tape = suspended;
    });
    return out;
  }

  /** Emits the whole backward pass from the gradient of the last value. */
  backward(out: Value, dOut: BufferId): void {
    this.passGradient(out, dOut);
    this.runBackward();
  }

  /** Of memory: whoever computes twice to need less makes no stages either. */
  private get isShort(): boolean {
    return this.options.recomputedBlocks > 0;
  }

  private runBackward(): void {
    for (const emit of this.tape.toReversed()) emit();
    this.endBackwardStage();
  }

  private endBackwardStage(): void {
    for (const emit of this.postponed.splice(0)) emit();
    this.plan.endStage();
  }
}
