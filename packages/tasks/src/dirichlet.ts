import type { Random } from "@fedlodrop/run";

/** Proportions from a symmetric Dirichlet(α): normalised Gamma(α, 1) deviates. */
export function drawDirichlet(count: number, alpha: number, random: Random): number[] {
  const deviates = Array.from({ length: count }, () => drawGamma(alpha, random));
  const sum = deviates.reduce((a, b) => a + b, 0);
  // Below α ≈ 0.001 all deviates may underflow; the limit of the distribution is a single class.
  const only = sum > 0 ? -1 : random.below(count);
  return deviates.map((value, index) => (only < 0 ? value / sum : Number(index === only)));
}

/** Gamma(shape, 1). Source: Marsaglia and Tsang, "A simple method for generating gamma variables", 2000; below 1 by
 *  their boost Gamma(k) = Gamma(k + 1)·U^(1/k). */
function drawGamma(shape: number, random: Random): number {
  if (shape < 1) return drawGamma(shape + 1, random) * (1 - random.uniform()) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = random.normal();
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}
