/**
 * A round that teaches: every other device keeps a little less than was solved for, which every limit allows, since less
 * is trained and sent. Who does takes turns, so that the devices' own differences cancel. What was added is in the record.
 */
import type { BoundEstimate, RunConfig, Side } from "@fedlodrop/run";
import { EVALUATION_LAG } from "../round/run-state.ts";

/** Share of the keep rate that is taken off while nothing is known, and at least. */
const SHARE_MOST = 0.3;
const SHARE_LEAST = 0.1;

/** Null where nobody would learn from it: one device has nothing to be compared with, and no plan looks back on the last rounds. */
export function ditherShare(
  config: Pick<RunConfig, "rounds" | "differentialPrivacy" | "secureAggregation">,
  round: number,
  admitted: number,
  { form, gapScale, gapScaleError, varianceCoefficient, varianceError }: BoundEstimate,
): number | null {
  if (form !== "calibrated" || admitted < 2 || round + EVALUATION_LAG > config.rounds) return null;
  // A mean that leans on half of the devices would tell of them beyond what the run promises.
  if (config.differentialPrivacy !== null || config.secureAggregation) return null;
  const doubt = Math.max(gapScaleError / gapScale, varianceError / varianceCoefficient);
  return SHARE_LEAST + (SHARE_MOST - SHARE_LEAST) * Math.min(1, doubt);
}

/** By the order of their ids, the other way round in every other round: of its own arm, where two take turns. */
export function sidesOf(
  ids: readonly string[],
  round: number,
  { compareWith }: Pick<RunConfig, "compareWith">,
): ReadonlyMap<string, Side> {
  const own = compareWith === null ? round : Math.ceil(round / 2);
  return new Map([...ids].sort().map((id, i) => [id, (i + own) % 2 === 0 ? "high" : "low"]));
}

export const dithered = (dropoutRate: number, share: number, maxDropoutRate: number): number =>
  Math.max(dropoutRate, Math.min(maxDropoutRate, 1 - (1 - dropoutRate) * (1 - share)));
