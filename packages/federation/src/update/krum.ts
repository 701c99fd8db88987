/**
 * Multi-Krum (Blanchard et al. 2017): updates that have no close company are left out, the others are averaged. Of n
 * updates f = ⌊(n − 3)/2⌋ may be hostile, the most that it can bear; an update's score is the sum of its squared
 * distances to its n − f − 2 nearest, and the n − f with the lowest scores are taken.
 *
 * Two devices hold different parts of the adapter, so a distance is the mean square over the coordinates that both
 * kept. Devices without any in common are as far apart as can be.
 */
import type { Pieces } from "@fedlodrop/run";
import { beginMean } from "./exact-mean.ts";
import { keepUpdates } from "./kept-updates.ts";
import type { Combination, Update } from "./update-rule.ts";

export function beginKrum(size: number): Combination {
  const kept = keepUpdates();
  return {
    take: kept.take,
    *finish(adapter) {
      const updates = kept.all;
      const chosen = yield* inGoodCompany(updates);
      const mean = beginMean(size);
      for (const update of chosen) yield* mean.take(update);
      const combined = yield* mean.finish(adapter);
      const left = updates.filter((update) => !chosen.includes(update));
      return {
        adapter: combined.adapter,
        contributions: new Map([
          ...combined.contributions,
          ...left.map(({ participantId }): [string, number] => [participantId, 0]),
        ]),
      };
    },
  };
}

function* inGoodCompany(updates: readonly Update[]): Pieces<readonly Update[]> {
  const count = updates.length;
  const hostile = Math.max(0, Math.floor((count - 3) / 2));
  const neighbours = Math.max(1, count - hostile - 2);
  const distances = updates.map(() => new Float64Array(count).fill(Number.POSITIVE_INFINITY));
  for (const [i, a] of updates.entries())
    for (let j = i + 1; j < count; j++) {
      const distance = meanSquareApart(a, updates[j] as Update);
      (distances[i] as Float64Array)[j] = distance;
      (distances[j] as Float64Array)[i] = distance;
      yield;
    }
  const score = distances.map((own) =>
    own
      .sort()
      .subarray(0, neighbours)
      .reduce((sum, distance) => sum + distance, 0),
  );
  return updates
    .map((update, k) => ({ update, score: score[k] as number }))
    .sort((a, b) => (a.score === b.score ? 0 : a.score - b.score))
    .slice(0, count - hostile)
    .map(({ update }) => update);
}

/** Mean squared difference over the coordinates in both; infinite when there are none. */
function meanSquareApart(a: Update, b: Update): number {
  let sum = 0;
  let common = 0;
  for (let i = 0, j = 0; i < a.indices.length && j < b.indices.length; ) {
    const [left, right] = [a.indices[i] as number, b.indices[j] as number];
    if (left === right) {
      const apart = (a.changes[i] as number) - (b.changes[j] as number);
      sum += apart * apart;
      common++;
    }
    if (left <= right) i++;
    if (right <= left) j++;
  }
  return common === 0 ? Number.POSITIVE_INFINITY : sum / common;
}
