/** Sampling of the next token: temperature, top-k, seeded. */
import type { Random } from "@fedlodrop/run";

/** Draws an id from logits. Temperature 0 takes the largest; `topK` 0 keeps every id. */
export function sampleToken(logits: Float32Array, temperature: number, topK: number, random: Random): number {
  const ranked = Array.from(logits.keys()).sort((a, b) => (logits[b] as number) - (logits[a] as number));
  const best = ranked[0] as number;
  if (temperature === 0) return best;
  const candidates = topK > 0 ? ranked.slice(0, topK) : ranked;
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
