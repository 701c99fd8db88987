/** The open round as a gateway knows it: asked of the owner once, and what its members hold of the adapter. */
import { encodeSparseValues } from "@fedlodrop/protocol";
import { type AdapterShape, gatherInPieces, type Pieces } from "@fedlodrop/run";
import type { RoundTerms } from "../runs/live-run.ts";
import { createSubAdapters, type SubAdapters } from "../runs/sub-adapters.ts";

export interface RemoteRounds {
  /** @throws when this round is not open */
  terms(round: number): Promise<RoundTerms>;
  /** A member's payload. */
  encode(participantId: string, round: number, dropoutRate: number): Promise<Pieces<Uint8Array>>;
}

export function createRemoteRounds({
  shape,
  ask,
}: {
  readonly shape: AdapterShape;
  /** Null for one that is not open. */
  ask(round: number): Promise<RoundTerms | null>;
}): RemoteRounds {
  let latest: { readonly round: number; readonly terms: Promise<RoundTerms | null> } | null = null;
  let masks: { readonly seed: string; readonly of: SubAdapters["of"] } | null = null;

  async function terms(round: number): Promise<RoundTerms> {
    if (latest?.round !== round) latest = { round, terms: ask(round) };
    const asked = latest;
    const known = await asked.terms.catch(() => null);
    if (known !== null) return known;
    if (latest === asked) latest = null;
    throw new Error(`round ${round}: expected an open one`);
  }

  return {
    terms,
    async encode(participantId, round, dropoutRate) {
      const { adapter, maskRound, seed, valueType } = await terms(round);
      if (masks?.seed !== seed) masks = { seed, of: createSubAdapters(shape, seed).of };
      const { of } = masks;
      return (function* () {
        const { indices } = yield* of(maskRound, participantId, dropoutRate);
        return encodeSparseValues(yield* gatherInPieces(adapter, indices), round, valueType);
      })();
    },
  };
}
