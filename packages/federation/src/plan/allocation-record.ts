/** What was decided for a round, with the bound's terms and what it is expected to cost, in the words of the report. */
import {
  type Allocation,
  generalisationGap,
  type Infeasibility,
  varianceFactor,
} from "@fedlodrop/allocation";
import type { AllocationRecord, Exclusion } from "@fedlodrop/run";
import type { ExpectedLoad, PosedProblem } from "./live-problem.ts";
import { VARIANCE_EXPONENT } from "./masked-losses.ts";
import type { PlanRequest } from "./plan-request.ts";

/** What a device that takes part gets. */
export interface Grant {
  readonly kind: "admitted";
  readonly dropoutRate: number;
  /** Of which so much was added to learn from it. */
  readonly dither: number;
  /** Null where uploads go as fast as the link does. */
  readonly share: number | null;
  /** What its upload is expected to reach. */
  readonly bitsPerSecond: number;
  readonly uploadJoulesPerBit: number;
}

export type Decision = Grant | { readonly kind: "excluded"; readonly infeasibility: Infeasibility | null };

/** @param solved null for a method that solves nothing. */
export function allocationRecord(
  { config, participants }: PlanRequest,
  { problem, constants, expected }: PosedProblem,
  decisions: readonly Decision[],
  solved: Allocation | null,
): AllocationRecord {
  // An excluded device counts as if it dropped the most.
  const keepRates = decisions.map(
    (decision) => 1 - (decision.kind === "admitted" ? decision.dropoutRate : config.maxDropoutRate),
  );
  const sumOf = (term: (keepRate: number, k: number) => number): number =>
    keepRates.reduce((sum, keepRate, k) => sum + term(keepRate, k), 0);
  const empiricalTerm = sumOf(
    (s, k) => (problem.devices[k]?.varianceCoefficient ?? 0) * varianceFactor(s, VARIANCE_EXPONENT),
  );
  const generalisationTerm =
    constants.gapOffset +
    sumOf((s, k) => (problem.devices[k]?.weight ?? 0) * generalisationGap(constants, 1 - s * s));
  return {
    method: config.method,
    objective: solved?.objective ?? empiricalTerm + generalisationTerm - constants.gapOffset,
    lowerBound: solved && finite(solved.lowerBound),
    gap: solved && finite(solved.gap),
    certified: solved?.certified ?? false,
    milliseconds: solved?.milliseconds ?? null,
    fallback: false,
    empiricalTerm,
    generalisationTerm,
    measuredGap: null,
    links: config.links,
    constants,
    devices: participants.map(({ id }, k) => {
      const decision = decisions[k] as Decision;
      const plan = expected[k] as ExpectedLoad;
      const at = ({ fixed, perKeepRate }: { fixed: number; perKeepRate: number }): number =>
        fixed + perKeepRate * (keepRates[k] as number);
      const uploadBits = at(plan.uploadBits);
      return decision.kind === "admitted"
        ? {
            id,
            dropoutRate: decision.dropoutRate,
            dither: decision.dither,
            share: decision.share,
            predictedSeconds: at(plan.preparationSeconds) + uploadBits / decision.bitsPerSecond,
            actualSeconds: null,
            predictedJoules: at(plan.preparationJoules) + decision.uploadJoulesPerBit * uploadBits,
            excludedBecause: null,
          }
        : {
            id,
            dropoutRate: null,
            dither: 0,
            share: 0,
            predictedSeconds: at(plan.preparationSeconds),
            actualSeconds: null,
            predictedJoules: 0,
            ...excluded(decision.infeasibility ?? { cause: "others" }),
          };
    }),
  };
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

const CAUSES = {
  compute: "training takes longer than the round",
  energy: "training takes more energy than allowed",
  link: "its link cannot carry even the smallest update in time",
} as const satisfies Record<Infeasibility["cause"], string>;

/** By its cause, and in a sentence. */
export const excluded = (
  exclusion: Exclusion,
): Pick<AllocationRecord["devices"][number], "excludedBecause" | "exclusion"> => ({
  excludedBecause: sentence(exclusion),
  exclusion,
});

function sentence(exclusion: Exclusion): string {
  if (exclusion.cause === "others") return "the link serves the others better without it";
  if (exclusion.cause === "stalls")
    return `it sent nothing in ${exclusion.stalls} rounds; it is tried again in round ${exclusion.nextRound}`;
  const { cause, leastDeadlineSeconds, leastEnergyJoules } = exclusion;
  const remedies = [
    ...(leastDeadlineSeconds === null ? [] : [`a deadline of ${leastDeadlineSeconds.toPrecision(3)} s`]),
    ...(leastEnergyJoules === null ? [] : [`${leastEnergyJoules.toPrecision(3)} J`]),
  ];
  return remedies.length === 0 ? CAUSES[cause] : `${CAUSES[cause]}; ${remedies.join(" or ")} would do`;
}
