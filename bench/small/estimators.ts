/**
 * Ways to estimate from rounds what the bound's two terms weigh, to be tried against each other: that of runs (docs/allocation.md) is
 * `calibrated`. All see the same evaluations, but for devices that measure on their own texts, and fill in the same form of J.
 */

import { type Estimator, steering } from "../../apps/cli/src/reproduce/steering.ts";
import type { SmallEstimator } from "../../apps/cli/src/simulate/small-cell.ts";
import { type SmallDataset, smallLoss } from "../../apps/cli/src/simulate/small-model.ts";
import { generalisationGap, varianceFactor } from "../../packages/allocation/src/bound.ts";
import { estimateConstants, type PlanOptions } from "../../packages/federation/src/index.ts";
import { regressVariance } from "../../packages/federation/src/plan/masked-losses.ts";
import { type Observation, robustFit } from "../../packages/federation/src/plan/robust-fit.ts";
import type { BoundEstimate, RoundRecord } from "../../packages/run/src/index.ts";
import { LEANING, leaningsOf } from "./leanings.ts";

type Estimate = NonNullable<PlanOptions["estimate"]>;

/** Weight of a round against one a round younger. */
const MEMORY = 0.9;
/** ν of the variance factor. */
const EXPONENT = 1;
/** As the calibrated form has it: G nearly linear in the dropped share. */
const CURVATURE = 10;
/** Of a round that drops nothing, as shares of the loss, before any has been seen: what it takes off the training loss, and of that what
 *  the gap grows by; noise of both. */
const PRIOR = { fall: 0.05, gapShare: 0.6, noise: 0.02 } as const;

const theoremOf: Estimate = (records, count, terms) =>
  estimateConstants(records, count, { ...terms, form: "theorem" });

const withCoordinator =
  (estimate: Estimate): Estimator =>
  (measured) => ({ evaluate: steering(measured), estimate });

export const ESTIMATORS: Readonly<Record<string, Estimator>> = {
  "what-if aggregates": whatIf,
  /** Gap and training loss of each round over the one before, as linear in what the round dropped. */
  "gap over q": withCoordinator((records, count, terms) =>
    bound(theoremOf(records, count, terms), records, (shape, loss) => overRounds(shape, loss, records)),
  ),
  /** A by what devices tell of their own training under masks of different rates; the gap as above. */
  "devices' masked losses": withCoordinator((records, count, terms) =>
    bound(theoremOf(records, count, terms), records, (shape, loss) => {
      const variance = regressVariance(records);
      const { gap, ...rest } = overRounds(shape, loss, records);
      return variance === null || !(variance > 0)
        ? { ...rest, gap }
        : { variance: { value: variance, error: 0 }, gap };
    }),
  ),
};

interface Weighed {
  readonly value: number;
  readonly error: number;
}

/** J with these weights of v(s) and G; what is not above 0 counts as next to nothing. */
function bound(
  theorem: BoundEstimate,
  records: readonly RoundRecord[],
  weigh: (shape: BoundEstimate, loss: number) => { readonly variance: Weighed; readonly gap: Weighed },
): BoundEstimate {
  const shape: BoundEstimate = { ...theorem, form: "calibrated", minCurvature: CURVATURE, gapScale: 1 };
  const loss = records.flatMap(({ evaluation }) => evaluation?.trainLoss ?? []).at(-1) ?? 4;
  const { variance, gap } = weigh(shape, loss);
  return {
    ...shape,
    varianceCoefficient: Math.max(1e-6 * loss, variance.value),
    varianceError: variance.error,
    gapScale: Math.max(1e-6, gap.value),
    gapScaleError: gap.error,
    source: gap.value > 2 * gap.error ? "estimated" : "default",
  };
}

/** Means over a round's devices of v(s) and of G of the dropped share, those for whom it holds counting for more. */
function dropped(
  { participants }: RoundRecord,
  shape: BoundEstimate,
  leansOn: (id: string) => boolean = () => false,
): { readonly v: number; readonly g: number } {
  let [v, g, total] = [0, 0, 0];
  for (const own of participants.filter(({ outcome }) => outcome === "aggregated")) {
    const weight = (leansOn(own.id) ? LEANING : 1) * own.sampleCount;
    const keepRate = 1 - own.dropoutRate;
    v += weight * varianceFactor(keepRate, EXPONENT);
    g += weight * generalisationGap(shape, 1 - keepRate ** 2);
    total += weight;
  }
  return { v: v / total, g: g / total };
}

/** What dropping everything takes off the gap's growth in a round. */
const slopePrior = (shape: BoundEstimate, loss: number): number =>
  (PRIOR.gapShare * PRIOR.fall * loss) / (generalisationGap(shape, 0) - generalisationGap(shape, 1));

function weighed(observations: readonly Observation[], prior: number, noiseDeviation: number): Weighed {
  const { p, errorAt } = robustFit(observations, {
    p: { mean: prior, deviation: prior },
    q: { mean: 0, deviation: 1e-9 },
    noiseDeviation,
  });
  return { value: p, error: errorAt(1, 0) };
}

function overRounds(
  shape: BoundEstimate,
  loss: number,
  records: readonly RoundRecord[],
): { readonly variance: Weighed; readonly gap: Weighed } {
  const steps = records.flatMap((record, i) => {
    const [now, before] = [record.evaluation, records[i - 1]?.evaluation];
    if (now?.trainLoss == null || before?.trainLoss == null) return [];
    const gapOf = (own: typeof now): number => own.testLoss - (own.trainLoss as number);
    const weight = MEMORY ** (records.length - 1 - i);
    if (!record.participants.some(({ outcome }) => outcome === "aggregated")) return [];
    return [
      {
        ...dropped(record, shape),
        weight,
        fall: before.trainLoss - now.trainLoss,
        growth: gapOf(now) - gapOf(before),
      },
    ];
  });
  // A fall of U − A v, and a growth of κ (G − G of all dropped): with two unknowns each of the two, U and A, is told from the other by
  // rounds that dropped differently.
  const noiseDeviation = PRIOR.noise * loss;
  const falls = robustFit(
    steps.map(({ v, fall, weight }) => ({ x: -v, z: 1, y: fall, weight })),
    {
      p: { mean: PRIOR.fall * loss, deviation: PRIOR.fall * loss },
      q: { mean: PRIOR.fall * loss, deviation: PRIOR.fall * loss },
      noiseDeviation,
    },
  );
  const least = generalisationGap(shape, 1);
  return {
    variance: { value: falls.p, error: falls.errorAt(1, 0) },
    gap: weighed(
      steps.map(({ g, growth, weight }) => ({ x: g - least, z: 0, y: growth, weight })),
      slopePrior(shape, loss),
      noiseDeviation,
    ),
  };
}

/** Both terms by what a round's leaning means differ in, on training and on held-out texts. Of every other round, for in those between
 *  all are raised or none. */
function whatIf(measured: Parameters<Estimator>[0]): ReturnType<Estimator> {
  const leanings = new Map<number, { readonly train: number; readonly heldOut: number }>();
  const steer = steering(measured);
  return {
    async evaluate(round) {
      const leaning = leaningsOf(round, (id) => isRaised(round.record, id));
      if (leaning !== null) {
        const differenceOn = async (loss: (adapter: Float32Array) => number | Promise<number>) =>
          (await loss(leaning.high)) - (await loss(leaning.low));
        leanings.set(round.record.round, {
          train: await differenceOn(measured.train),
          heldOut: await differenceOn(measured.heldOut),
        });
      }
      return steer(round);
    },
    estimate: (records, count, terms) =>
      bound(theoremOf(records, count, terms), records, (shape, loss) => {
        const pairs = records.flatMap((record, i) => {
          const own = leanings.get(record.round);
          if (own === undefined) return [];
          const [high, low] = [true, false].map((side) =>
            dropped(record, shape, (id) => isRaised(record, id) === side),
          ) as [ReturnType<typeof dropped>, ReturnType<typeof dropped>];
          const weight = MEMORY ** (records.length - 1 - i);
          return [
            {
              variance: { x: high.v - low.v, z: 0, y: own.train, weight },
              gap: { x: high.g - low.g, z: 0, y: own.heldOut - own.train, weight },
            },
          ];
        });
        const noise = (PRIOR.noise * loss) / 3;
        return {
          variance: weighed(
            pairs.map(({ variance }) => variance),
            PRIOR.fall * loss,
            noise,
          ),
          gap: weighed(
            pairs.map(({ gap }) => gap),
            slopePrior(shape, loss),
            noise,
          ),
        };
      }),
  };
}

const isRaised = ({ allocation }: RoundRecord, id: string): boolean =>
  allocation?.devices.some((device) => device.id === id && device.dither > 0) ?? false;

export const SMALL_ESTIMATORS: Readonly<Record<string, SmallEstimator>> = {
  ...ESTIMATORS,
  /** As runs with `--evaluate-on devices:1` have it. */
  "devices' own gaps": onDevices,
};

/** Each device keeps a tenth of its texts back and measures both losses there. */
function onDevices(...[measured, world]: Parameters<SmallEstimator>): ReturnType<SmallEstimator> {
  const split = world.devices.map((own) => {
    const kept = Math.max(1, Math.round(own.labels.length / 10));
    return { back: rows(own, 0, kept), trainedOn: rows(own, kept, own.labels.length), count: kept };
  });
  const steer = steering(measured);
  return {
    trainedOn: split.map(({ trainedOn }) => trainedOn),
    async evaluate(round) {
      const devices = split.map(({ back, trainedOn, count }, k) => ({
        ...{ id: `p${k + 1}`, count, baseTestLoss: 0, seconds: 0, bytesDown: 0 },
        testLoss: smallLoss(world, back, round.adapter),
        trainLoss: smallLoss(world, rows(trainedOn, 0, count), round.adapter),
      }));
      const total = devices.reduce((sum, { count }) => sum + count, 0);
      const over = (of: "testLoss" | "trainLoss"): number =>
        devices.reduce((sum, device) => sum + device.count * device[of], 0) / total;
      const [testLoss, trainLoss] = [over("testLoss"), over("trainLoss")];
      return {
        ...(await steer(round)),
        ...{ testLoss, trainLoss },
        onDevices: { testLoss, trainLoss, baseTestLoss: 0, devices },
      };
    },
    estimate: estimateConstants,
  };
}

function rows({ inputs, labels }: SmallDataset, from: number, to: number): SmallDataset {
  const width = inputs.length / labels.length;
  return { inputs: inputs.slice(from * width, to * width), labels: labels.slice(from, to) };
}
