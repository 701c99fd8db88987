/** Element-wise kernels: activations and their gates, forward and backward, and sums. */
import type {
  Activation,
  ActivationBackward,
  ActivationFunction,
  Add,
  Gated,
  GatedBackward,
} from "../../../ops/activation.ts";
import { literal, type Program, ProgramText } from "../program.ts";

const WORKGROUP = 64;
/** tanh-GELU is x·σ(2√(2/π)(x + 0.044715x³)). */
const SLOPE = 2 * Math.sqrt(2 / Math.PI);
const CUBIC = SLOPE * 0.044715;

/**
 * Declares `activation(x)` and `slope(x)`, its derivative. The exact GELU takes the error function from Numerical
 * Recipes' erfc Chebyshev fit (Press et al., 3rd ed., § 6.2.2), whose relative error of 1.2·10⁻⁷ is that of f32.
 */
export function activationText(name: ActivationFunction): string {
  switch (name) {
    case "gelu-tanh":
      return `fn gate(x : f32) -> f32 { return 1.0 / (1.0 + exp(-x * (${literal(CUBIC)} * x * x + ${literal(SLOPE)}))); }
        fn activation(x : f32) -> f32 { return x * gate(x); }
        fn slope(x : f32) -> f32 {
          let g = gate(x);
          return g + x * g * (1.0 - g) * (${literal(3 * CUBIC)} * x * x + ${literal(SLOPE)});
        }`;
    case "gelu":
      return `fn normalTail(x : f32) -> f32 { // 1 − Φ(x) for x ≥ 0
          let z = x * ${literal(Math.SQRT1_2)};
          let t = 2.0 / (2.0 + z);
          let power = -1.26551223 + t * (1.00002368 + t * (0.37409196 + t * (0.09678418 + t * (-0.18628806
            + t * (0.27886807 + t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277))))))));
          return 0.5 * t * exp(-z * z + power);
        }
        fn normal(x : f32) -> f32 { let tail = normalTail(abs(x)); return select(tail, 1.0 - tail, x >= 0.0); }
        fn activation(x : f32) -> f32 { return x * normal(x); }
        fn slope(x : f32) -> f32 { return normal(x) + x * ${literal(1 / Math.sqrt(2 * Math.PI))} * exp(-0.5 * x * x); }`;
    case "silu":
      return `fn activation(x : f32) -> f32 { return x / (1.0 + exp(-x)); }
        fn slope(x : f32) -> f32 { let g = 1.0 / (1.0 + exp(-x)); return g + x * g * (1.0 - g); }`;
    case "tanh": // WGSL's own may overflow to NaN where exp does
      return `fn activation(x : f32) -> f32 { return tanh(clamp(x, -15.0, 15.0)); }
        fn slope(x : f32) -> f32 { // 1 − tanh² loses digits where tanh is near 1
          let e = exp(-2.0 * abs(x));
          return 4.0 * e / ((1.0 + e) * (1.0 + e));
        }`;
    case "relu":
      return `fn activation(x : f32) -> f32 { return max(x, 0.0); }
        fn slope(x : f32) -> f32 { return select(0.0, 1.0, x > 0.0); }`;
    case "square":
      return `fn activation(x : f32) -> f32 { return x * x; }
        fn slope(x : f32) -> f32 { return 2.0 * x; }`;
    default:
      return name satisfies never;
  }
}

export function activationProgram(call: Activation): Program {
  const text = new ProgramText(call.function);
  text.declare(activationText(call.function));
  return text.each(
    call.size,
    WORKGROUP,
    `${text.write(call.out)}[index] = activation(${text.read(call.x)}[index]);`,
  );
}

export function activationBackwardProgram(call: ActivationBackward): Program {
  const text = new ProgramText(`${call.function} backward`);
  text.declare(activationText(call.function));
  return text.each(
    call.size,
    WORKGROUP,
    `${text.write(call.dx)}[index] = ${text.read(call.dy)}[index] * slope(${text.read(call.x)}[index]);`,
  );
}

export function gatedProgram(call: Gated): Program {
  const text = new ProgramText(`${call.function} gate`);
  text.declare(activationText(call.function));
  return text.each(
    call.size,
    WORKGROUP,
    `${text.write(call.out)}[index] = activation(${text.read(call.gate)}[index]) * ${text.read(call.up)}[index];`,
  );
}

export function gatedBackwardProgram(call: GatedBackward): Program {
  const text = new ProgramText(`${call.function} gate backward`);
  text.declare(activationText(call.function));
  return text.each(
    call.size,
    WORKGROUP,
    `let gate = ${text.read(call.gate)}[index]; let dy = ${text.read(call.dy)}[index];
     ${text.write(call.dGate)}[index] = dy * ${text.read(call.up)}[index] * slope(gate);
     ${text.write(call.dUp)}[index] = dy * activation(gate);`,
  );
}

export function addProgram(call: Add): Program {
  const text = new ProgramText("add");
  return text.each(
    call.size,
    WORKGROUP,
    `${text.write(call.out)}[index] = ${text.read(call.a)}[index] + ${text.read(call.b)}[index];`,
  );
}
