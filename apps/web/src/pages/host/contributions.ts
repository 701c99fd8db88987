/** Who made the model: each device's share of the weight of all rounds, as the rule that put updates together counts it. */
import type { RoundRecord } from "@fedlodrop/run";

export interface Contribution {
  readonly id: string;
  readonly nickname: string;
  /** 0 to 1: mean over rounds of the device's share of the round's weight. */
  readonly share: number;
  readonly rounds: number;
  readonly bytes: number;
}

/** Largest share first; devices whose work was never averaged in are left out. */
export function contributionsOf(rounds: readonly RoundRecord[]): readonly Contribution[] {
  const totals = new Map<string, { nickname: string; share: number; rounds: number; bytes: number }>();
  let counted = 0;
  for (const { participants } of rounds) {
    const aggregated = participants.filter(({ outcome }) => outcome === "aggregated");
    const weight = aggregated.reduce((sum, { sampleCount }) => sum + sampleCount, 0);
    if (weight > 0) counted++;
    for (const { id, nickname, sampleCount, bytesUp, update } of aggregated) {
      const known = totals.get(id) ?? { nickname, share: 0, rounds: 0, bytes: 0 };
      totals.set(id, {
        nickname,
        share: known.share + (update?.contribution ?? sampleCount / weight),
        rounds: known.rounds + 1,
        bytes: known.bytes + bytesUp,
      });
    }
  }
  return [...totals]
    .map(([id, total]) => ({ id, ...total, share: total.share / counted }))
    .sort((a, b) => b.share - a.share || b.rounds - a.rounds || (a.id < b.id ? -1 : 1));
}
