/**
 * What a round would have become had its higher rates, or its lower ones, counted for more: two more means of the same
 * changes, in which one side's weigh three times as much as the other's. Weighed, not left out: a mean over half of the
 * devices is noisier than the round's own, the more so the more they drop, and would speak for rates that are too high.
 * Both lean on the same updates, so what they differ in is the rates' doing, and which devices happened to have which.
 */
import { type Pieces, SIDES, type Side } from "@fedlodrop/run";
import { beginMean, type MeanSums } from "./exact-mean.ts";
import type { Update } from "./update-rule.ts";

/** Full adapters. */
export type Contrast = Readonly<Record<Side, Float32Array>>;

/** Both means as sums, and the sides of which there was an update. */
export interface ContrastSums extends Readonly<Record<Side, MeanSums>> {
  readonly taken: readonly Side[];
}

/** Weight of a side's own updates in its mean; the other side's weigh 1. */
export const LEANING = 3;

export interface Contrasting {
  take(update: Update, side: Side): Pieces<void>;
  readonly sums: ContrastSums;
  add(sums: ContrastSums): Pieces<void>;
  /** Null unless both sides had an update. */
  finish(adapter: Float32Array): Pieces<Contrast | null>;
}

/** @param size values of the full adapter */
export function beginContrast(size: number): Contrasting {
  const means = { high: beginMean(size), low: beginMean(size) };
  const taken = new Set<Side>();
  return {
    *take(update, side) {
      taken.add(side);
      for (const own of SIDES) {
        // Exact as the round's own mean is, up to a quarter of the largest sample count.
        yield* means[own].take(own === side ? { ...update, weight: LEANING * update.weight } : update);
      }
    },
    get sums() {
      return { high: means.high.sums, low: means.low.sums, taken: [...taken] };
    },
    *add(sums) {
      for (const side of sums.taken) taken.add(side);
      for (const side of SIDES) yield* means[side].add(sums[side]);
    },
    *finish(adapter) {
      if (taken.size < SIDES.length) return null;
      const high = (yield* means.high.finish(adapter)).adapter;
      const low = (yield* means.low.finish(adapter)).adapter;
      return { high, low };
    },
  };
}
