/** Cases of activations, sums and the optimiser. */
import type { ActivationFunction } from "../../ops/activation.ts";
import type { CaseBuilder, Draw } from "./case.contract.ts";

export const vectorCases: Draw[] = [];

for (const size of [1, 130, 4099])
  for (const f of ["gelu-tanh", "gelu", "silu", "tanh", "relu", "square"] satisfies ActivationFunction[]) {
    // Far tails too: nothing may overflow there.
    const x = (b: CaseBuilder) => b.reals(size, size > 1000 ? 20 : 2);
    vectorCases.push(
      (b) => b.case(`${f}, ${size}`, { kind: "activation", function: f, x: x(b), out: b.poison(size), size }),
      (b) =>
        b.case(`${f}, ${size}`, {
          kind: "activation-backward",
          function: f,
          x: x(b),
          dy: b.reals(size),
          dx: b.poison(size),
          size,
        }),
      (b) =>
        b.case(`${f}, ${size}`, {
          kind: "gated",
          function: f,
          gate: x(b),
          up: b.reals(size),
          out: b.poison(size),
          size,
        }),
      (b) =>
        b.case(`${f}, ${size}`, {
          kind: "gated-backward",
          function: f,
          gate: x(b),
          up: b.reals(size),
          dy: b.reals(size),
          dGate: b.poison(size),
          dUp: b.poison(size),
          size,
        }),
    );
  }

for (const size of [1, 67, 5003])
  vectorCases.push(
    (b) =>
      b.case(`${size}`, {
        kind: "adamw",
        values: b.reals(size),
        gradient: b.reals(size, 0.01),
        mean: b.reals(size, 0.01),
        variance: b.given(Float32Array.from({ length: size }, () => 1e-4 * b.random.uniform())),
        settings: b.given(Float32Array.of(1e-2, 3.7, 0.999, 0)),
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        size,
      }),
    (b) => b.case(`${size}`, { kind: "add", a: b.reals(size), b: b.reals(size), out: b.poison(size), size }),
    (b) =>
      b.case(`${size}`, {
        kind: "dot",
        a: b.reals(size),
        // All of one sign, so that the tolerance is not one of cancellation.
        b: b.given(Float32Array.from({ length: size }, () => b.random.uniform())),
        out: { buffer: b.poison(2), offset: 1 },
        size,
      }),
    (b) =>
      b.case(`${size}`, { kind: "norm", x: b.reals(size), out: { buffer: b.poison(2), offset: 0 }, size }),
  );
