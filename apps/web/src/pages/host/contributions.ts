/** Who made the model: each device's share of the weight of all rounds, as the rule that put updates together counts it. */
import type { RoundRecord } from "@fedlodrop/run";
import { formatPercent } from "../../ui/format.ts";

export interface Contribution {
  readonly id: string;
  readonly nickname: string;
  /** 0 to 1: mean over rounds of the device's share of the round's weight. */
  readonly share: number;
  readonly rounds: number;
  readonly bytes: number;
}

/** Sums over rounds. */
export interface Shares {
  readonly byId: ReadonlyMap<string, Omit<Contribution, "id">>;
  /** Rounds in which anybody's work was averaged in. */
  readonly counted: number;
}

export const NO_SHARES: Shares = { byId: new Map(), counted: 0 };

export function addShares(before: Shares, rounds: readonly RoundRecord[]): Shares {
  const totals = new Map(before.byId);
  let { counted } = before;
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
  return { byId: totals, counted };
}

/** Largest share first; devices whose work was never averaged in are left out. @param past of rounds before these */
export function contributionsOf(
  rounds: readonly RoundRecord[],
  past: readonly Shares[] = [],
): readonly Contribution[] {
  const { byId, counted } = addShares(past.reduce(together, NO_SHARES), rounds);
  return [...byId]
    .map(([id, total]) => ({ id, ...total, share: total.share / counted }))
    .sort((a, b) => b.share - a.share || b.rounds - a.rounds || (a.id < b.id ? -1 : 1));
}

const STEPS = ["high", "middle", "low"] as const;

/** How high one of the first three stands: shares that read alike as high. @param contributions largest share first */
export const stepOf = (
  contributions: readonly Pick<Contribution, "share">[],
  share: number,
): (typeof STEPS)[number] | undefined =>
  STEPS[contributions.findIndex((one) => formatPercent(one.share) === formatPercent(share))];

function together(a: Shares, b: Shares): Shares {
  const byId = new Map(a.byId);
  for (const [id, { nickname, share, rounds, bytes }] of b.byId) {
    const known = byId.get(id) ?? { nickname, share: 0, rounds: 0, bytes: 0 };
    byId.set(id, {
      nickname,
      share: known.share + share,
      rounds: known.rounds + rounds,
      bytes: known.bytes + bytes,
    });
  }
  return { byId, counted: a.counted + b.counted };
}
