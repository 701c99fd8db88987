import type {
  Activation,
  ActivationBackward,
  ActivationFunction,
  Add,
  Gated,
  GatedBackward,
} from "../../ops/activation.ts";
import { at, type Memory } from "./memory.ts";

/** f and f′. */
interface Differentiable {
  value(x: number): number;
  slope(x: number): number;
}

const ROOT = Math.sqrt(2 / Math.PI);
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
/** Φ, the standard normal's distribution function. */
const normalShare = (x: number): number => 0.5 * (1 + erf(x / Math.SQRT2));

const FUNCTIONS: Readonly<Record<ActivationFunction, Differentiable>> = {
  "gelu-tanh": {
    value: (x) => 0.5 * x * (1 + Math.tanh(ROOT * (x + 0.044715 * x ** 3))),
    slope: (x) => {
      const t = Math.tanh(ROOT * (x + 0.044715 * x ** 3));
      return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * ROOT * (1 + 3 * 0.044715 * x * x);
    },
  },
  gelu: {
    value: (x) => x * normalShare(x),
    slope: (x) => normalShare(x) + (x * Math.exp(-0.5 * x * x)) / Math.sqrt(2 * Math.PI),
  },
  silu: {
    value: (x) => x * sigmoid(x),
    slope: (x) => sigmoid(x) * (1 + x * (1 - sigmoid(x))),
  },
  tanh: {
    value: Math.tanh,
    slope: (x) => 1 - Math.tanh(x) ** 2,
  },
  relu: {
    value: (x) => Math.max(0, x),
    slope: (x) => (x > 0 ? 1 : 0),
  },
  square: {
    value: (x) => x * x,
    slope: (x) => 2 * x,
  },
};

export function activation(call: Activation, memory: Memory): void {
  const [x, out] = [memory.buffer(call.x), memory.buffer(call.out)];
  for (let i = 0; i < call.size; i++) out[i] = FUNCTIONS[call.function].value(at(x, i));
}

export function activationBackward(call: ActivationBackward, memory: Memory): void {
  const [x, dy, dx] = [memory.buffer(call.x), memory.buffer(call.dy), memory.buffer(call.dx)];
  for (let i = 0; i < call.size; i++) dx[i] = at(dy, i) * FUNCTIONS[call.function].slope(at(x, i));
}

export function gated(call: Gated, memory: Memory): void {
  const [gate, up, out] = [memory.buffer(call.gate), memory.buffer(call.up), memory.buffer(call.out)];
  for (let i = 0; i < call.size; i++) out[i] = FUNCTIONS[call.function].value(at(gate, i)) * at(up, i);
}

export function gatedBackward(call: GatedBackward, memory: Memory): void {
  const [gate, up, dy] = [memory.buffer(call.gate), memory.buffer(call.up), memory.buffer(call.dy)];
  const [dGate, dUp] = [memory.buffer(call.dGate), memory.buffer(call.dUp)];
  const { value, slope } = FUNCTIONS[call.function];
  for (let i = 0; i < call.size; i++) {
    dGate[i] = at(dy, i) * at(up, i) * slope(at(gate, i));
    dUp[i] = at(dy, i) * value(at(gate, i));
  }
}

export function add(call: Add, memory: Memory): void {
  const [a, b, out] = [memory.buffer(call.a), memory.buffer(call.b), memory.buffer(call.out)];
  for (let i = 0; i < call.size; i++) out[i] = at(a, i) + at(b, i);
}

/** The error function to double precision: its Taylor series below 3, the continued fraction of erfc above. */
function erf(x: number): number {
  const z = Math.abs(x);
  if (z < 3) {
    let term = z;
    let sum = z;
    for (let n = 1; Math.abs(term) > 1e-18 * sum; n++) {
      term *= (-z * z) / n;
      sum += term / (2 * n + 1);
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  let fraction = z;
  for (let n = 60; n > 0; n--) fraction = z + n / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-z * z) / (fraction * Math.sqrt(Math.PI)));
}
