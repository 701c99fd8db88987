/**
 * What a round would have become had its raised rates, or the others, counted for more: two more means of the same changes,
 * in which one side's weigh three times as much as the other's. Weighed, not left out: a mean over half of the devices is
 * noisier than the round's own, the more so the more they drop, and would speak for rates that are too high. Both lean on
 * the same updates, so what they differ in is the rates' doing, and which devices happened to have which. Updates are as
 * they were sent, before any bound.
 */
import type { ToEvaluate } from "../../apps/cli/src/reproduce/steering.ts";
import { beginMean } from "../../packages/federation/src/update/exact-mean.ts";
import { atOnce } from "../../packages/run/src/index.ts";

/** Weight of a side's own updates in its mean; the other side's weigh 1. */
export const LEANING = 3;

/** Full adapters; null unless both sides had an update. @param isRaised by participant */
export function leaningsOf(
  { before, updates }: Pick<ToEvaluate, "before" | "updates">,
  isRaised: (id: string) => boolean,
): { readonly high: Float32Array; readonly low: Float32Array } | null {
  const raised = updates.filter(({ participantId }) => isRaised(participantId));
  if (raised.length === 0 || raised.length === updates.length) return null;
  const towards = (side: boolean): Float32Array => {
    const mean = beginMean(before.length);
    for (const update of updates) {
      const weight = (isRaised(update.participantId) === side ? LEANING : 1) * update.weight;
      atOnce(mean.take({ ...update, weight }));
    }
    return atOnce(mean.finish(before)).adapter;
  };
  return { high: towards(true), low: towards(false) };
}
