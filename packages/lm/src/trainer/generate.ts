/** What is read of a text to go on with it, and the sampling of its next token: temperature, top-k, seeded. */
import type { Random } from "@fedlodrop/run";

/** Draws an id from logits. Temperature 0 takes the largest; `topK` 0 keeps every id. */
export function sampleToken(logits: Float32Array, temperature: number, topK: number, random: Random): number {
  const candidates = largest(logits, temperature === 0 ? 1 : topK > 0 ? topK : logits.length);
  const best = candidates[0] as number;
  if (temperature === 0) return best;
  const weights = candidates.map((id) =>
    Math.exp(((logits[id] as number) - (logits[best] as number)) / temperature),
  );
  let rest = random.uniform() * weights.reduce((sum, weight) => sum + weight, 0);
  for (const [i, weight] of weights.entries()) {
    rest -= weight;
    if (rest < 0) return candidates[i] as number;
  }
  return best; // rounding left a remainder above the last weight
}

/** The last `room` ids of a text; where it has more, its first `prefixLength` ids stay in front of the others. */
export function lastIds(ids: readonly number[], room: number, prefixLength = 0): readonly number[] {
  if (ids.length <= room) return ids;
  const kept = Math.min(prefixLength, room - 1);
  return [...ids.slice(0, kept), ...ids.slice(kept - room)];
}

/** Ids of the `count` largest logits, largest first, equal ones by id. One pass: a vocabulary is long and `count` short. */
function largest(logits: Float32Array, count: number): readonly number[] {
  const above = (a: number, b: number): number => (logits[b] as number) - (logits[a] as number);
  if (count >= logits.length) return Array.from(logits.keys()).sort(above);
  const chosen: number[] = [];
  for (let id = 0; id < logits.length; id++) {
    if (chosen.length === count && above(chosen.at(-1) as number, id) <= 0) continue;
    if (chosen.length === count) chosen.pop();
    let place = chosen.length;
    while (place > 0 && above(chosen[place - 1] as number, id) > 0) place--;
    chosen.splice(place, 0, id);
  }
  return chosen;
}
