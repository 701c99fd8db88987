/**
 * Rounds that teach: half of the devices, all, the other half and none, in turn, keep a little less than was solved for, which
 * every limit allows, since less is trained and sent. Rounds then differ in what they keep, whatever is solved for, and what they
 * came to tells what dropping costs (pace.ts); the devices' own differences cancel. What was added is in the record.
 */
import type { BoundEstimate, RunConfig } from "@fedlodrop/run";
import { EVALUATION_LAG } from "../round/run-state.ts";

/** Share of the keep rate that is taken off while nothing is known, and at least. */
const SHARE_MOST = 0.3;
const SHARE_LEAST = 0.1;

/** Null where nobody would learn from it: no plan looks back on the last rounds. */
export function ditherShare(
  roundsLeft: number,
  { form, gapScale, gapScaleError, varianceCoefficient, varianceError }: BoundEstimate,
): number | null {
  if (form !== "calibrated" || roundsLeft <= EVALUATION_LAG) return null;
  const doubt = Math.max(gapScaleError / gapScale, varianceError / varianceCoefficient);
  return SHARE_LEAST + (SHARE_MOST - SHARE_LEAST) * Math.min(1, doubt);
}

/** A device's place among the round's, by the order of their ids; by the rounds, round again. */
const TURNS: readonly ((place: number) => boolean)[] = [
  () => false,
  (place) => place % 2 === 0,
  () => true,
  (place) => place % 2 === 1,
];

/** A turn lasts as long as it takes to be measured: what several rounds came to together says nothing of each. */
export function whoseTurn(
  ids: readonly string[],
  round: number,
  { compareWith, evaluateOn }: Pick<RunConfig, "compareWith" | "evaluateOn">,
): ReadonlySet<string> {
  // Of its own arm, where two take turns.
  const own = compareWith === null ? round : Math.ceil(round / 2);
  const turn = evaluateOn.kind === "devices" ? Math.ceil(own / evaluateOn.every) : own;
  const isRaised = TURNS[turn % TURNS.length] as (typeof TURNS)[number];
  return new Set([...ids].sort().filter((_, place) => isRaised(place)));
}

export const dithered = (dropoutRate: number, share: number, maxDropoutRate: number): number =>
  Math.max(dropoutRate, Math.min(maxDropoutRate, 1 - (1 - dropoutRate) * (1 - share)));
