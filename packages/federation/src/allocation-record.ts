/** What the solver decided, in the words of the report. */
import {
  type Allocation,
  type DeviceAllocation,
  generalisationGap,
  type Infeasibility,
  varianceFactor,
} from "@fedlodrop/allocation";
import type { AllocationRecord } from "@fedlodrop/protocol";
import { VARIANCE_EXPONENT } from "./bound-constants.ts";
import type { ExpectedLoad, PosedProblem } from "./live-problem.ts";
import type { PlanRequest } from "./plan-request.ts";
import { FULL_POWER_WATTS, sendsAtFullPower } from "./radio-cell.ts";

export function allocationRecord(
  { config, participants }: PlanRequest,
  { problem, constants, expected }: PosedProblem,
  allocation: Allocation,
  /** Bit/s, [K]. */
  rates: readonly (number | null)[],
): AllocationRecord {
  // An excluded device counts as if it dropped the most.
  const keepRates = allocation.devices.map(
    (device) => 1 - (device.kind === "admitted" ? device.dropoutRate : config.maxDropoutRate),
  );
  const sumOf = (term: (keepRate: number, k: number) => number): number =>
    keepRates.reduce((sum, keepRate, k) => sum + term(keepRate, k), 0);
  return {
    method: config.method,
    objective: allocation.objective,
    lowerBound: Number.isFinite(allocation.lowerBound) ? allocation.lowerBound : null,
    gap: Number.isFinite(allocation.gap) ? allocation.gap : null,
    certified: allocation.certified,
    milliseconds: allocation.milliseconds,
    fallback: false,
    empiricalTerm: sumOf(
      (s, k) => (problem.devices[k]?.varianceCoefficient ?? 0) * varianceFactor(s, VARIANCE_EXPONENT),
    ),
    generalizationTerm: sumOf(
      (s, k) => (problem.devices[k]?.weight ?? 0) * generalisationGap(constants, 1 - s * s),
    ),
    measuredGap: null,
    links: config.links,
    constants,
    devices: participants.map(({ id }, k) => {
      const device = allocation.devices[k] as DeviceAllocation;
      const plan = expected[k] as ExpectedLoad;
      const keepRate = keepRates[k] as number;
      const at = ({ fixed, perKeepRate }: { fixed: number; perKeepRate: number }): number =>
        fixed + perKeepRate * keepRate;
      const uploadSeconds = at(plan.uploadBits) / (rates[k] ?? Number.POSITIVE_INFINITY);
      return device.kind === "admitted"
        ? {
            id,
            dropoutRate: device.dropoutRate,
            share: device.linkShare,
            predictedSeconds: at(plan.preparationSeconds) + uploadSeconds,
            actualSeconds: null,
            predictedJoules: sendsAtFullPower(config, id)
              ? at(plan.preparationJoules) + FULL_POWER_WATTS * uploadSeconds
              : device.energyJoules,
            excludedBecause: null,
          }
        : {
            id,
            dropoutRate: null,
            share: 0,
            predictedSeconds: at(plan.preparationSeconds),
            actualSeconds: null,
            predictedJoules: 0,
            excludedBecause: reason(device.infeasibility),
          };
    }),
  };
}

const CAUSES = {
  compute: "training takes longer than the round",
  energy: "training takes more energy than allowed",
  link: "its link cannot carry even the smallest update in time",
} as const satisfies Record<Infeasibility["cause"], string>;

function reason(infeasibility: Infeasibility | null): string {
  if (infeasibility === null) return "the link serves the others better without it";
  const { cause, leastDeadlineSeconds, leastEnergyJoules } = infeasibility;
  const remedies = [
    ...(leastDeadlineSeconds === null ? [] : [`a deadline of ${leastDeadlineSeconds.toPrecision(3)} s`]),
    ...(leastEnergyJoules === null ? [] : [`${leastEnergyJoules.toPrecision(3)} J`]),
  ];
  return remedies.length === 0 ? CAUSES[cause] : `${CAUSES[cause]}; ${remedies.join(" or ")} would do`;
}
