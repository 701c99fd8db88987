/**
 * Programs that do in one dispatch, one invocation a row, what tfjs composes of five to twelve: fewer dispatches help
 * every adapter, for recording one costs tens of microseconds of JavaScript.
 */
import { type Components, horizontal, type OwnProgram, ownProgram, zero } from "./webgpu-programs.ts";

/** vec4 where rows are whole vectors. */
const componentsOf = (columns: number): Components => (columns % 4 === 0 ? 4 : 1);

/** Declares the row's mean and 1/√(variance + ε) from input x. ε is part of the source, hence of the key. */
function rowStatistics(components: Components, epsilon: number): string {
  return `
    let n = uniforms.width; let start = index * n; let columns = f32(uniforms.columns);
    var total = ${zero(components)};
    for (var i = 0; i < n; i++) { total += x[start + i]; }
    let mean = ${horizontal("+", "total", components)} / columns;
    var squares = ${zero(components)};
    for (var i = 0; i < n; i++) { let c = x[start + i] - mean; squares += c * c; }
    let inverse = inverseSqrt(${horizontal("+", "squares", components)} / columns + ${epsilon});`;
}

export function layerNormProgram(rows: number, columns: number, epsilon: number): OwnProgram {
  const components = componentsOf(columns);
  return ownProgram({
    key: `layernorm_${components}_${epsilon}`,
    inputs: { x: components, gain: components, bias: components },
    outputComponents: components,
    uniforms: { width: columns / components, columns },
    outputSize: rows * columns,
    invocations: rows,
    workgroup: 16,
    body: () => `${rowStatistics(components, epsilon)}
      for (var i = 0; i < n; i++) { result[start + i] = (x[start + i] - mean) * inverse * gain[i] + bias[i]; }`,
  });
}

/** dx = (t − mean(t) − x̂·mean(t·x̂))/√(variance + ε), with t = dy·gain. */
export function layerNormGradientProgram(rows: number, columns: number, epsilon: number): OwnProgram {
  const components = componentsOf(columns);
  return ownProgram({
    key: `layernorm_gradient_${components}_${epsilon}`,
    inputs: { x: components, gain: components, dy: components },
    outputComponents: components,
    uniforms: { width: columns / components, columns },
    outputSize: rows * columns,
    invocations: rows,
    workgroup: 16,
    body: () => `${rowStatistics(components, epsilon)}
      var sums = ${zero(components)}; var products = ${zero(components)};
      for (var i = 0; i < n; i++) {
        let t = dy[start + i] * gain[i];
        sums += t; products += t * (x[start + i] - mean) * inverse;
      }
      let meanT = ${horizontal("+", "sums", components)} / columns;
      let meanProduct = ${horizontal("+", "products", components)} / columns;
      for (var i = 0; i < n; i++) {
        let hat = (x[start + i] - mean) * inverse;
        result[start + i] = inverse * (dy[start + i] * gain[i] - meanT - hat * meanProduct);
      }`,
  });
}

/** x·σ(u) with u = 2√(2/π)(x + 0.044715x³); `slope` and `cubic` as in differentiable.ts. */
export function geluProgram(size: number, slope: number, cubic: number): OwnProgram {
  const components = componentsOf(size);
  return ownProgram({
    key: `gelu_${components}`,
    inputs: { x: components },
    outputComponents: components,
    uniforms: {},
    outputSize: size,
    invocations: size / components,
    workgroup: 16,
    body: () => `
      let v = x[index];
      result[index] = v / (1.0 + exp(-v * (${cubic} * v * v + ${slope})));`,
  });
}

/** dy·(σ + x·σ·(1 − σ)·u′). */
export function geluGradientProgram(size: number, slope: number, cubic: number): OwnProgram {
  const components = componentsOf(size);
  return ownProgram({
    key: `gelu_gradient_${components}`,
    inputs: { x: components, dy: components },
    outputComponents: components,
    uniforms: {},
    outputSize: size,
    invocations: size / components,
    workgroup: 16,
    body: () => `
      let v = x[index];
      let gate = 1.0 / (1.0 + exp(-v * (${cubic} * v * v + ${slope})));
      result[index] = dy[index] * (gate + v * gate * (1.0 - gate) * (${3 * cubic} * v * v + ${slope}));`,
  });
}

/** Declares the row's largest logit and Σ exp(logit − largest). */
function rowSoftmax(components: Components): string {
  return `
    let n = uniforms.width; let start = index * n; let label = targets[index];
    var peaks = logits[start];
    for (var i = 1; i < n; i++) { peaks = max(peaks, logits[start + i]); }
    let largest = ${horizontal("max", "peaks", components)};
    var sums = ${zero(components)};
    for (var i = 0; i < n; i++) { sums += exp(logits[start + i] - largest); }
    let total = ${horizontal("+", "sums", components)};`;
}

/** −log softmax(logits)[target] per row. */
export function crossEntropyProgram(rows: number, columns: number): OwnProgram {
  const components = componentsOf(columns);
  return ownProgram({
    key: `cross_entropy_${components}`,
    inputs: { logits: components, targets: 1 },
    outputComponents: 1,
    uniforms: { width: columns / components },
    outputSize: rows,
    invocations: rows,
    workgroup: 16,
    body: () => `${rowSoftmax(components)}
      result[index] = log(total) - (logits[start + label / ${components}]${element(components)} - largest);`,
  });
}

/** (softmax(logits) − one-hot(target))·dy per row. */
export function crossEntropyGradientProgram(rows: number, columns: number): OwnProgram {
  const components = componentsOf(columns);
  return ownProgram({
    key: `cross_entropy_gradient_${components}`,
    inputs: { logits: components, targets: 1, dy: 1 },
    outputComponents: components,
    uniforms: { width: columns / components },
    outputSize: rows * columns,
    invocations: rows,
    workgroup: 16,
    body: () => `${rowSoftmax(components)}
      let factor = dy[index] / total;
      for (var i = 0; i < n; i++) { result[start + i] = exp(logits[start + i] - largest) * factor; }
      result[start + label / ${components}]${element(components)} -= dy[index];`,
  });
}

/** The target's component within its vector. */
const element = (components: Components): string => (components === 4 ? "[label % 4]" : "");
