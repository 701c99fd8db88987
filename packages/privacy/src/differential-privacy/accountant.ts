/**
 * What a run has given away: Rényi differential privacy (Mironov 2017) of the Gaussian mechanism, added up over rounds and
 * turned into (ε, δ).
 *
 * Orders are whole for sampled rounds, where the divergence is an exact sum (Mironov, Talwar, Zhang 2019, equation 3.4). In
 * this system every ready device takes part in every round, and what dropout draws is known from the seed: nothing is
 * sampled in secret, so runs are accounted with a sampling rate of 1 and dropout is granted nothing.
 */

export interface Mechanism {
  /** Standard deviation of the noise over the largest influence of what is protected; 0 is no noise. */
  readonly noiseMultiplier: number;
  /** Probability with which each device, or example, takes part, independently and in secret. */
  readonly samplingRate: number;
}

const WHOLE_ORDERS = [
  ...Array.from({ length: 62 }, (_, i) => i + 2),
  ...[72, 80, 96, 128, 192, 256, 512, 1024],
];
/** Large losses are told best by orders near 1. */
const ORDERS = [
  ...Array.from({ length: 40 }, (_, i) => 1.02 + 0.02 * i),
  ...Array.from({ length: 40 }, (_, i) => 1.85 + 0.1 * i),
];

/** Rényi divergence of order α of one round. @param order above 1; whole unless everybody takes part */
export function renyiDivergence({ noiseMultiplier, samplingRate: q }: Mechanism, order: number): number {
  if (!(q >= 0 && q <= 1)) throw new Error(`sampling rate: expected a share from 0 to 1, got ${q}`);
  if (q === 0) return 0;
  if (noiseMultiplier === 0) return Number.POSITIVE_INFINITY;
  if (q === 1) return order / (2 * noiseMultiplier ** 2);
  if (!Number.isInteger(order))
    throw new Error(`order: expected a whole one for sampled rounds, got ${order}`);
  // log Σ_k C(α, k) (1−q)^(α−k) q^k exp((k² − k) / 2σ²)
  const terms: number[] = [];
  let logChoose = 0;
  for (let k = 0; k <= order; k++) {
    if (k > 0) logChoose += Math.log((order - k + 1) / k);
    terms.push(
      logChoose + (order - k) * Math.log1p(-q) + k * Math.log(q) + (k * k - k) / (2 * noiseMultiplier ** 2),
    );
  }
  const largest = Math.max(...terms);
  const sum = terms.reduce((total, term) => total + Math.exp(term - largest), 0);
  return (largest + Math.log(sum)) / (order - 1);
}

/** ε at this δ of so many rounds: the least over the orders (Canonne, Kamath, Steinke 2020, proposition 12). */
export function epsilonOf(
  mechanism: Mechanism,
  rounds: number,
  delta: number,
  orders: readonly number[] = mechanism.samplingRate === 1 ? [...ORDERS, ...WHOLE_ORDERS] : WHOLE_ORDERS,
): number {
  if (!(delta > 0 && delta < 1))
    throw new Error(`delta: expected a probability between 0 and 1, got ${delta}`);
  if (rounds === 0) return 0;
  const epsilons = orders.map(
    (order) => rounds * renyiDivergence(mechanism, order) + ofConversion(order, delta),
  );
  return Math.max(0, Math.min(...epsilons));
}

/** What turning a divergence of this order into (ε, δ) adds to it. */
const ofConversion = (order: number, delta: number): number =>
  Math.log1p(-1 / order) - (Math.log(delta) + Math.log(order)) / (order - 1);

/** The ε at this δ that no noise gets below: what the conversion alone takes, at the orders that are looked at. */
export const leastEpsilon = (delta: number): number =>
  Math.max(0, Math.min(...WHOLE_ORDERS.map((order) => ofConversion(order, delta))));

/** The least noise with which so many rounds stay within ε; unless told, everybody takes part in each. @throws below `leastEpsilon` */
export function noiseMultiplierFor(epsilon: number, delta: number, rounds: number, samplingRate = 1): number {
  const least = leastEpsilon(delta);
  if (!(epsilon > least && Number.isFinite(epsilon)))
    throw new Error(
      `epsilon: expected a number above ${least.toPrecision(2)} at δ = ${delta}, got ${epsilon}`,
    );
  return leastNoise(
    (noiseMultiplier) => epsilonOf({ noiseMultiplier, samplingRate }, rounds, delta) <= epsilon,
  );
}

/** @param isEnough of a noise multiplier; stays true above the least for which it is */
function leastNoise(isEnough: (noiseMultiplier: number) => boolean): number {
  let [little, enough] = [0, 1];
  while (!isEnough(enough)) [little, enough] = [enough, 2 * enough];
  for (let i = 0; i < 50; i++) {
    const between = (little + enough) / 2;
    if (isEnough(between)) enough = between;
    else little = between;
  }
  return enough;
}

/**
 * What may be given away when the noise of later steps is chosen after earlier ones have come out: their divergences of this
 * one order, which is chosen before, may add up to so much (Feldman, Zrnic 2021: a Rényi filter).
 */
export interface RenyiBudget {
  readonly order: number;
  readonly divergence: number;
}

/** At the order with which so many steps at even noise stay within ε most easily. */
export function renyiBudget(
  epsilon: number,
  delta: number,
  steps: number,
  samplingRate: number,
): RenyiBudget {
  const mechanism = {
    noiseMultiplier: noiseMultiplierFor(epsilon, delta, steps, samplingRate),
    samplingRate,
  };
  const left = (order: number): number => epsilon - ofConversion(order, delta);
  // How much of what the order allows the steps would take.
  const share = (order: number): number => (steps * renyiDivergence(mechanism, order)) / left(order);
  const order = WHOLE_ORDERS.filter((each) => left(each) > 0).reduce((best, each) =>
    share(each) < share(best) ? each : best,
  );
  return { order, divergence: left(order) };
}

/** The ε at this δ of so much divergence. */
export const epsilonOfDivergence = ({ order, divergence }: RenyiBudget, delta: number): number =>
  divergence === 0 ? 0 : Math.max(0, divergence + ofConversion(order, delta));

/** The least noise with which a step's divergence of this order is at most so much. */
export const noiseWithin = ({ order, divergence }: RenyiBudget, samplingRate: number): number =>
  leastNoise((noiseMultiplier) => renyiDivergence({ noiseMultiplier, samplingRate }, order) <= divergence);

/**
 * Rounds in which everybody takes part add up by their 1/σ²: so many of them at different noise are worth one round at the
 * noise that has their sum. @param spent Σ 1/σ²
 */
export const epsilonSpent = (spent: number, delta: number): number =>
  spent === 0 ? 0 : epsilonOf({ noiseMultiplier: spent ** -0.5, samplingRate: 1 }, 1, delta);

/** Σ 1/σ² that a run may spend within (ε, δ). */
export const budgetOf = (epsilon: number, delta: number): number =>
  noiseMultiplierFor(epsilon, delta, 1) ** -2;
