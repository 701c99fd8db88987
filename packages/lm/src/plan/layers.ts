/** The layers that models are written in: each emits its forward calls and says what its backward pass is. */
import type { ModulePlacement } from "../adapter/placement.ts";
import type { ActivationFunction } from "../ops/activation.ts";
import type { AttentionShape } from "../ops/attention.ts";
import type { BufferId, Rows } from "../ops/buffer.ts";
import type { AdapterBuffers, Network, Value } from "./network.ts";

/** Token embeddings plus position embeddings, where the model has them. */
export function embed(
  net: Network,
  width: number,
  table: string,
  positionTable: string | null,
  scale = 1,
): Value {
  const { ids, positions } = net.options;
  const out = net.value("embedded", net.rows, width, false);
  net.plan.emit({
    ...{ kind: "embed", ids, positions, table, positionTable, scale, out: out.buffer, rows: net.rows, width },
  });
  return out;
}

export function layerNorm(net: Network, x: Value, name: string, epsilon: number): Value {
  const { rows, width } = x;
  const out = net.value(name, rows, width, x.trained);
  const stats = net.plan.activation(`${name}.stats`, 2 * rows);
  const gain = `${name}.weight`;
  net.plan.emit({
    ...{ kind: "layer-norm", x: x.buffer, gain, bias: `${name}.bias`, epsilon },
    ...{ out: out.buffer, stats, rows, width },
  });
  net.onBackward(out, (dy) =>
    net.addGradient(x, (dx, add) =>
      net.plan.emit({ kind: "layer-norm-backward", x: x.buffer, stats, gain, dy, add, dx, rows, width }),
    ),
  );
  return out;
}

/** @param gainOffset 1 where the checkpoint stores gain − 1 */
export function rmsNorm(net: Network, x: Value, name: string, epsilon: number, gainOffset = 0): Value {
  const { rows, width } = x;
  const out = net.value(name, rows, width, x.trained);
  const stats = net.plan.activation(`${name}.stats`, rows);
  const shared = { x: x.buffer, stats, gain: `${name}.weight`, gainOffset, rows, width };
  net.plan.emit({ kind: "rms-norm", ...shared, epsilon, out: out.buffer });
  net.onBackward(out, (dy) =>
    net.addGradient(x, (dx, add) => net.plan.emit({ kind: "rms-norm-backward", ...shared, dy, add, dx })),
  );
  return out;
}

/** x·W (+ bias) (+ residual) plus the adapter's part where `name` is adapted. */
export function linear(
  net: Network,
  x: Value,
  name: string,
  outFeatures: number,
  { bias, residual = null }: { readonly bias: boolean; readonly residual?: Value | null },
): Value {
  const { rows, width: inFeatures } = x;
  const adapter = net.options.adapter;
  const module = adapter?.placement.modules.get(name);
  const trained = x.trained || module !== undefined || (residual?.trained ?? false);
  const out = net.value(name, rows, outFeatures, trained);
  const weight = `${name}.weight`;
  net.plan.emit({
    ...{ kind: "linear", x: x.buffer, weight, bias: bias ? `${name}.bias` : null },
    ...{ residual: residual?.buffer ?? null, out: out.buffer, rows, inFeatures, outFeatures },
  });
  const lora = adapter && module ? loraOf(net, adapter, module, rows, inFeatures, outFeatures) : null;
  const u = lora?.forward(x.buffer, out.buffer);
  net.onBackward(out, (dy) => {
    if (residual) net.passGradient(residual, dy);
    const v = lora && u !== undefined ? lora.gradients(x.buffer, u, dy) : null;
    net.addGradient(x, (dx, add) => {
      net.plan.emit({ kind: "linear-backward", dy, weight, add, dx, rows, inFeatures, outFeatures });
      if (lora && v !== null) lora.backward(v, dx);
    });
  });
  return out;
}

/** The three products of ops/lora.ts, of one module. */
function loraOf(
  net: Network,
  { placement, values, indices, gradient }: AdapterBuffers,
  module: ModulePlacement,
  rows: number,
  inFeatures: number,
  outFeatures: number,
) {
  const { plan } = net;
  const { rank, scale } = placement;
  const a = { buffer: values, offset: module.factorA };
  const b = { buffer: values, offset: module.factorB };
  const columns = { buffer: indices, offset: module.columnIndices };
  const keptRows = { buffer: indices, offset: module.rowIndices };
  const onInputs = { indices: columns, kept: module.keptColumns, features: inFeatures, rows, rank };
  const onOutputs = { indices: keptRows, kept: module.keptRows, features: outFeatures, rows, rank };
  return {
    /** y[:, S^B] += u·B′ᵀ. @returns u = s·x[:, S^A]·A′ */
    forward(x: BufferId, y: BufferId): BufferId {
      const u = plan.activation("u", rows * rank);
      plan.emit({ kind: "lora-down", x, factor: a, scale, out: u, ...onInputs });
      plan.emit({ kind: "lora-up", u, factor: b, y, ...onOutputs });
      return u;
    },
    /** Sets dA′ and dB′. @returns v = s·dy[:, S^B]·B′ */
    gradients(x: BufferId, u: BufferId, dy: BufferId): BufferId {
      if (gradient === null)
        throw new Error("plan: expected a gradient buffer in a network with a backward pass");
      const v = plan.activation("v", rows * rank);
      const part = (offset: number) => ({ buffer: gradient, offset });
      plan.emit({ kind: "lora-down", x: dy, factor: b, scale, out: v, ...onOutputs });
      net.later(() => {
        plan.emit({ kind: "lora-gradient", x: dy, u, gradient: part(module.factorB), ...onOutputs });
        plan.emit({ kind: "lora-gradient", x, u: v, gradient: part(module.factorA), ...onInputs });
      });
      return v;
    },
    /** dx[:, S^A] += v·A′ᵀ. */
    backward(v: BufferId, dx: BufferId): void {
      plan.emit({ kind: "lora-up", u: v, factor: a, y: dx, ...onInputs });
    },
  };
}

/** A slice of a value's columns. */
export interface Columns {
  readonly of: Value;
  readonly offset: number;
  readonly width: number;
}

/** Attention over sequences, or over the cache of layer `layer`. Query, key and value may be columns of one value. */
export function attention(
  net: Network,
  layer: number,
  [q, k, v]: readonly [Columns, Columns, Columns],
  shape: AttentionShape,
): Value {
  const { tokens, positions } = net.options;
  const trained = q.of.trained || k.of.trained || v.of.trained;
  const out = net.value("attended", net.rows, q.width, trained);
  const place = ({ of, offset }: Columns): Rows => ({ buffer: of.buffer, offset, stride: of.width });
  if (tokens.kind === "cached") {
    const { rows, capacity } = tokens;
    const { keys, values } = tokens.cache(layer, k.width);
    const append = (x: Columns, cache: BufferId) =>
      net.plan.emit({ kind: "cache-append", x: place(x), positions, cache, rows, width: x.width, capacity });
    append(k, keys);
    append(v, values);
    net.plan.emit({
      ...{ kind: "cached-attention", q: place(q), keys, values, positions, out: out.buffer, rows, capacity },
      ...shape,
    });
    return out;
  }
  const { batch, length, lengths } = tokens;
  const logSumExp = net.plan.activation("logSumExp", batch * shape.heads * length);
  const forward = { q: place(q), k: place(k), v: place(v), out: out.buffer, logSumExp };
  const sizes = { lengths, batch, length, ...shape };
  net.plan.emit({ kind: "attention", ...forward, ...sizes });
  net.onBackward(out, (dOut) => {
    const delta = net.plan.activation("delta", batch * shape.heads * length);
    const gradients = new Map<Value, BufferId>();
    const gradientOf = ({ of, offset }: Columns): Rows => {
      const buffer = gradients.get(of) ?? net.plan.activation("gradient", of.rows * of.width);
      gradients.set(of, buffer);
      return { buffer, offset, stride: of.width };
    };
    net.plan.emit({
      ...{ kind: "attention-backward", ...forward, dOut, delta },
      ...{ dq: gradientOf(q), dk: gradientOf(k), dv: gradientOf(v), ...sizes },
    });
    for (const [value, gradient] of gradients) net.passGradient(value, gradient);
  });
  return out;
}

/** Rotates a value's heads in place. Its backward pass turns the gradient back, in place too. */
export function rotary(
  net: Network,
  x: Columns,
  frequencies: string,
  sizes: { readonly heads: number; readonly headWidth: number; readonly pairs: number },
): void {
  const { positions } = net.options;
  const rotate = (buffer: BufferId, direction: 1 | -1): void =>
    net.plan.emit({
      ...{ kind: "rotary", x: { buffer, offset: x.offset, stride: x.of.width }, positions, frequencies },
      ...{ direction, rows: x.of.rows, ...sizes },
    });
  rotate(x.of.buffer, 1);
  net.onBackward(x.of, (gradient) => rotate(gradient, -1));
}

export function activation(net: Network, x: Value, f: ActivationFunction): Value {
  const size = x.rows * x.width;
  const out = net.value(f, x.rows, x.width, x.trained);
  net.plan.emit({ kind: "activation", function: f, x: x.buffer, out: out.buffer, size });
  net.onBackward(out, (dy) => {
    const dx = net.plan.activation("gradient", size);
    net.plan.emit({ kind: "activation-backward", function: f, x: x.buffer, dy, dx, size });
    net.passGradient(x, dx);
  });
  return out;
}

/** a + b, where no linear layer can add it. */
export function add(net: Network, a: Value, b: Value): Value {
  const size = a.rows * a.width;
  const out = net.value("sum", a.rows, a.width, a.trained || b.trained);
  net.plan.emit({ kind: "add", a: a.buffer, b: b.buffer, out: out.buffer, size });
  net.onBackward(out, (dy) => {
    net.passGradient(a, dy);
    net.passGradient(b, dy);
  });
  return out;
}

/** f(gate) · up. */
export function gated(net: Network, gate: Value, up: Value, f: ActivationFunction): Value {
  const size = gate.rows * gate.width;
  const out = net.value("gated", gate.rows, gate.width, gate.trained || up.trained);
  const inputs = { function: f, gate: gate.buffer, up: up.buffer, size };
  net.plan.emit({ kind: "gated", ...inputs, out: out.buffer });
  net.onBackward(out, (dy) => {
    const [dGate, dUp] = [net.plan.activation("dGate", size), net.plan.activation("dUp", size)];
    net.plan.emit({ kind: "gated-backward", ...inputs, dy, dGate, dUp });
    net.passGradient(gate, dGate);
    net.passGradient(up, dUp);
  });
  return out;
}

/** The rows of x that are named by an i32 buffer. */
export function gatherRows(net: Network, x: Value, indices: BufferId, rows: number): Value {
  const { width, rows: sourceRows } = x;
  const out = net.value("gathered", rows, width, x.trained);
  net.plan.emit({ kind: "gather-rows", x: x.buffer, indices, out: out.buffer, rows, sourceRows, width });
  net.onBackward(out, (dy) => {
    const dx = net.plan.activation("gradient", sourceRows * width);
    net.plan.emit({ kind: "scatter-rows", dy, indices, dx, rows, sourceRows, width });
    net.passGradient(x, dx);
  });
  return out;
}

/**
 * The product with a trained matrix that the adapter carries, plus a trained bias.
 * @param into a buffer that may be the host's to read; null for one of the plan's own
 */
export function trainedHead(
  net: Network,
  x: Value,
  name: string,
  into: BufferId | null,
  outFeatures: number,
  biasName: string | null = null,
): Value {
  const { adapter } = net.options;
  const offsetOf = (parameter: string): number => {
    const offset = adapter?.placement.dense.get(parameter);
    if (offset === undefined) throw new Error(`plan: expected the adapter to have ${parameter}`);
    return offset;
  };
  const [matrixOffset, biasOffset] = [offsetOf(name), biasName === null ? null : offsetOf(biasName)];
  const { values, gradient } = adapter as AdapterBuffers;
  const { rows, width: inFeatures } = x;
  const buffer = into ?? net.plan.activation(name, rows * outFeatures);
  const out = { buffer, rows, width: outFeatures, trained: true };
  const place = (in_: BufferId, offset: number) => ({ buffer: in_, offset });
  const shared = { x: x.buffer, matrix: place(values, matrixOffset), rows, inFeatures, outFeatures };
  const bias = biasOffset === null ? null : place(values, biasOffset);
  net.plan.emit({ kind: "dense", ...shared, bias, out: buffer });
  net.onBackward(out, (dy) => {
    if (gradient === null) throw new Error("plan: expected a gradient buffer");
    // The kernel sets all gradients; x's is dropped where x does not depend on trained values.
    const dx = net.plan.activation("gradient", rows * inFeatures);
    const biasGradient = biasOffset === null ? null : place(gradient, biasOffset);
    const matrixGradient = place(gradient, matrixOffset);
    net.plan.emit({ kind: "dense-backward", ...shared, dy, dx, gradient: matrixGradient, biasGradient });
    net.passGradient(x, dx);
  });
  return out;
}
