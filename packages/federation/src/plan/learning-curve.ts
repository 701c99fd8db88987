/**
 * Where a run is heading, by the losses it has been through. Progress u is the fall of the logarithm of the training loss:
 * what is learned by heart takes the loss to zero, and the gap goes on growing by as much a step of u. Runs show that the gap
 * is much the same function of u at every dropout rate (docs/allocation.md); a rate decides how far a round gets.
 */
import { median, type RoundEvaluation, type RoundRecord } from "@fedlodrop/run";
import { type Fit, type Observation, robustFit } from "./robust-fit.ts";

/** A round's losses of the full adapter. */
export interface Standpoint {
  /** Its place among the rounds that devices took part in, of this arm alone: their own numbers may leave gaps. */
  readonly place: number;
  /** Nats; where devices measure, as if those who began the series had measured all along. */
  readonly trainLoss: number;
  readonly testLoss: number;
  /** Standpoints of unlike chains were measured by others, and say nothing of each other. */
  readonly chain: number;
}

export interface LearningCurve {
  /** Nats, where the run was last seen. */
  readonly loss: number;
  /** d gap / du there, nats, at least 0; and how that grows with u. */
  readonly gapSlope: number;
  readonly gapBend: number;
  /** Standard error of gapSlope + progress · gapBend. */
  readonly errorAt: (progress: number) => number;
  /** The same before anything was seen. */
  readonly doubtAt: (progress: number) => number;
}

/** Weight of an interval against one a round younger. */
const MEMORY = 0.7;
/** Before anything is seen, of each nat that the first rounds take off the training loss the gap grows by so much. */
const FIRST_SHARE = { mean: 0.6, deviation: 0.3 } as const;
/** What a usual round may add to the slope, as a share of the first loss. */
const BEND_SHARE = 0.1;
/** Noise of what a usual round changes the gap by, as a share of what it changes the training loss by. */
const NOISE_SHARE = 0.3;

export const progressOf = (first: Standpoint, { trainLoss }: Standpoint): number =>
  Math.log(first.trainLoss / trainLoss);

/** Null while there is nothing to compare. */
export function fitLearningCurve(seen: readonly Standpoint[]): LearningCurve | null {
  const [first, newest] = [seen[0], seen.at(-1)];
  if (first === undefined || newest === undefined || first === newest) return null;
  const gap = ({ testLoss, trainLoss }: Standpoint): number => testLoss - trainLoss;
  const observations = seen.slice(1).flatMap((own, i): Observation[] => {
    const before = seen[i] as Standpoint;
    if (own.chain !== before.chain) return [];
    const [from, to] = [progressOf(first, before), progressOf(first, own)];
    return [
      {
        x: to - from,
        z: (to ** 2 - from ** 2) / 2,
        y: gap(own) - gap(before),
        weight: MEMORY ** (newest.place - own.place),
      },
    ];
  });
  if (observations.length === 0) return null;
  // Priors are in steps of this: a language model makes as little as 0.01 a round, and a classifier 0.5.
  const step = median(observations.map(({ x }) => Math.abs(x)));
  if (step === 0) return null;
  // Of a run whose beginning is forgotten the least held-out loss still tells it, however near zero training losses are.
  const scale = Math.max(first.trainLoss, Math.min(...seen.map(({ testLoss }) => testLoss)));
  const prior = {
    p: { mean: FIRST_SHARE.mean * scale, deviation: FIRST_SHARE.deviation * scale },
    q: { mean: 0, deviation: (BEND_SHARE * scale) / step },
    noiseDeviation: NOISE_SHARE * step * scale,
  };
  const fit: Fit = robustFit(observations, prior);
  const now = progressOf(first, newest);
  return {
    loss: newest.trainLoss,
    gapSlope: Math.max(0, fit.p + fit.q * now),
    gapBend: Math.max(0, fit.q),
    errorAt: (progress) => fit.errorAt(1, now + progress),
    doubtAt: (progress) => Math.hypot(prior.p.deviation, (now + progress) * prior.q.deviation),
  };
}

/** d gap / du, nats, after so much more progress. */
export const slopeOf = ({ gapSlope, gapBend }: LearningCurve, progress: number): number =>
  gapSlope + gapBend * progress;

/** What the gap grows by with so much more progress, nats. */
export const growthOf = ({ gapSlope, gapBend }: LearningCurve, progress: number): number =>
  gapSlope * progress + (gapBend * progress ** 2) / 2;

/** Of every evaluated round that devices took part in. */
export function standpoints(records: readonly RoundRecord[]): readonly Standpoint[] {
  const points: Standpoint[] = [];
  let before: RoundEvaluation | null = null;
  for (const [place, { evaluation }] of records.entries()) {
    if (evaluation?.trainLoss == null || !(evaluation.trainLoss > 0)) continue;
    const { trainLoss, testLoss } = evaluation;
    const last = points.at(-1);
    const ofDevices = before !== null && isOfDevices(before) && isOfDevices(evaluation);
    points.push(
      last !== undefined && before !== null && ofDevices
        ? { ...sinceThen(last, before, evaluation), place }
        : { place, trainLoss, testLoss, chain: last?.chain ?? 0 },
    );
    before = evaluation;
  }
  return points;
}

/**
 * Where devices measure, each on its own texts, the losses of a round are of whoever was there: what changed is followed device by
 * device, over those that measured both times. Where nobody did, a chain begins at the levels that the last one ended with.
 */
function sinceThen(
  last: Standpoint,
  before: RoundEvaluation,
  now: RoundEvaluation,
): Omit<Standpoint, "place"> {
  const earlier = new Map(before.onDevices?.devices.map((device) => [device.id, device]));
  let [weights, from, to, grown] = [0, 0, 0, 0];
  for (const { id, count, trainLoss, testLoss } of now.onDevices?.devices ?? []) {
    const then = earlier.get(id);
    if (then === undefined || then.trainLoss === null || trainLoss === null) continue;
    weights += count;
    from += count * then.trainLoss;
    to += count * trainLoss;
    grown += count * (testLoss - trainLoss - (then.testLoss - then.trainLoss));
  }
  if (!(from > 0 && to > 0)) return { ...last, chain: last.chain + 1 };
  const trainLoss = (last.trainLoss * to) / from;
  return {
    trainLoss,
    testLoss: trainLoss + (last.testLoss - last.trainLoss) + grown / weights,
    chain: last.chain,
  };
}

const isOfDevices = ({ onDevices, testLoss }: RoundEvaluation): boolean => onDevices?.testLoss === testLoss;
