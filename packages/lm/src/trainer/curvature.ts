/**
 * What curvature a symmetric matrix has that is known only by its products: the mean of its diagonal by Hutchinson's
 * probes, and its smallest eigenvalue, from above, by Lanczos steps.
 */
import type { Random } from "@fedlodrop/run";

/** The matrix times a vector. */
export type Multiply = (vector: Float64Array) => Promise<Float64Array>;

/** tr(H)/size by `probes` vectors of random signs; exact where H is diagonal. */
export async function meanDiagonal(
  multiply: Multiply,
  size: number,
  probes: number,
  random: Random,
): Promise<number> {
  let sum = 0;
  for (let probe = 0; probe < probes; probe++) {
    const signs = Float64Array.from({ length: size }, () => (random.uniform() < 0.5 ? -1 : 1));
    sum += dot(signs, await multiply(signs));
  }
  return sum / (probes * size);
}

/** Smallest Ritz value of at most `steps` Lanczos steps from a random start: at least the smallest eigenvalue, and that
 *  eigenvalue where the steps span the space. It can only fall from step to step, so that it stops at `floor`. */
export async function leastRitzValue(
  multiply: Multiply,
  size: number,
  steps: number,
  floor: number,
  random: Random,
): Promise<number> {
  const start = Float64Array.from({ length: size }, () => random.normal());
  const basis = [scaled(start, 1 / norm(start))];
  const diagonal: number[] = [];
  const offDiagonal: number[] = [];
  let least = Number.POSITIVE_INFINITY;
  for (let step = 0; step < Math.min(steps, size) && least > floor; step++) {
    const direction = basis[step] as Float64Array;
    const next = await multiply(direction);
    const length = norm(next);
    diagonal.push(dot(direction, next));
    least = leastEigenvalue(diagonal, offDiagonal);
    // Against every earlier vector, twice: rounding would otherwise let found eigenvalues come back as copies.
    for (const earlier of [...basis, ...basis]) subtract(next, earlier, dot(earlier, next));
    const remainder = norm(next);
    if (remainder <= INVARIANT * length) break;
    offDiagonal.push(remainder);
    basis.push(scaled(next, 1 / remainder));
  }
  return least;
}

/** Share of H·v outside the span below which the span is closed under H. */
const INVARIANT = 1e-12;

/** Of the tridiagonal matrix, by bisection on the number of negative pivots of T − x (Sturm). */
export function leastEigenvalue(diagonal: readonly number[], offDiagonal: readonly number[]): number {
  const coupling = (row: number): number => Math.abs(offDiagonal[row] ?? 0);
  const reach = diagonal.map((_, row) => coupling(row) + (row > 0 ? coupling(row - 1) : 0));
  let below = Math.min(...diagonal.map((value, row) => value - (reach[row] as number)));
  let above = Math.min(...diagonal);
  for (let halving = 0; halving < 60; halving++) {
    const middle = (below + above) / 2;
    if (hasEigenvalueBelow(middle)) above = middle;
    else below = middle;
  }
  return above;

  function hasEigenvalueBelow(x: number): boolean {
    let pivot = 1;
    return diagonal.some((value, row) => {
      pivot = value - x - (row > 0 ? coupling(row - 1) ** 2 / pivot : 0);
      return pivot <= 0;
    });
  }
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

export const norm = (vector: ArrayLike<number>): number => Math.sqrt(dot(vector, vector));

const scaled = (vector: Float64Array, factor: number): Float64Array => vector.map((value) => factor * value);

function subtract(from: Float64Array, vector: Float64Array, times: number): void {
  for (let i = 0; i < from.length; i++) from[i] = (from[i] as number) - times * (vector[i] as number);
}
