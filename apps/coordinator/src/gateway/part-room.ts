/** What a gateway has folded of the open round: the updates of its own participants, as the owner has ordered it. */
import { type Admission, beginFold, type Fold } from "@fedlodrop/federation";
import { type AdapterShape, subAdapterInPieces } from "@fedlodrop/run";
import type { FoldOrder } from "../runs/elsewhere.ts";
import type { RoundTerms } from "../runs/live-run.ts";
import type { GatewayPart } from "../runs/round-numbers.ts";
import type { WorkInOrder } from "../turns.ts";

export interface PartRoom {
  fold(terms: RoundTerms, participantId: string, changes: Float32Array, order: FoldOrder): void;
  /** Waits for these updates, which may still be on their way through this process. @throws unless it has just these */
  part(round: number, participantIds: readonly string[]): Promise<GatewayPart>;
  /** @param sketches of the whole round, as everyone's parts have them */
  agreements(
    round: number,
    sketches: Float64Array | null,
  ): Promise<readonly (readonly [participantId: string, agreement: number | null])[]>;
  /** What is there of this round is worth nothing: whoever asks for it is told so. */
  fail(round: number, why: string): void;
  /** The line is lost. */
  forget(why: string): void;
}

interface Part {
  readonly round: number;
  readonly fold: Fold;
  readonly leftOut: Set<string>;
  readonly admissions: Map<string, Admission>;
}

export function createPartRoom(shape: AdapterShape, work: WorkInOrder): PartRoom {
  let part: Part | null = null;
  let failed: { readonly round: number; readonly why: string } | null = null;
  let watchers: { check(): void; reject(error: Error): void }[] = [];

  function partOf({ round, adapter, fold }: RoundTerms): Part {
    if (part?.round === round) return part;
    if (fold === null) throw new Error(`round ${round}: expected one that is folded in parts`);
    const leftOut = new Set<string>();
    const isLeftOut = (id: string): boolean => leftOut.has(id);
    const { aggregation, bounds } = fold;
    const begun = beginFold(aggregation, { shape, adapter, bounds, isLeftOut });
    part = { round, fold: begun, leftOut, admissions: new Map() };
    return part;
  }

  function forget(why: string): void {
    part = null;
    for (const { reject } of watchers.splice(0)) reject(new Error(why));
  }

  function fail(round: number, why: string): void {
    failed = { round, why };
    forget(why);
  }

  return {
    fail,
    fold(terms, participantId, changes, { maskRound, dropoutRate, weight, isLeftOut }) {
      const into = partOf(terms);
      if (isLeftOut) into.leftOut.add(participantId);
      const mask = { seed: terms.seed, round: maskRound, participantId, dropoutRate };
      work(
        (function* () {
          const { indices } = yield* subAdapterInPieces(shape, mask);
          return yield* into.fold.admit({ participantId, changes, indices, weight });
        })(),
      ).then(
        (admission) => {
          into.admissions.set(participantId, admission);
          for (const { check } of watchers) check();
        },
        (error: Error) => fail(terms.round, error.message),
      );
    },
    async part(round, participantIds) {
      if (failed?.round === round) throw new Error(failed.why);
      await new Promise<void>((resolve, reject) => {
        const check = (): void => {
          const own = part?.round === round ? part.admissions : null;
          if (own === null || !participantIds.every((id) => own.has(id))) return;
          watchers = watchers.filter((one) => one.check !== check);
          resolve();
        };
        watchers.push({ check, reject });
        check();
      });
      const { fold, admissions } = part as Part;
      const expectJustThese = (): void => {
        if (failed?.round === round) throw new Error(failed.why);
        if (admissions.size !== participantIds.length)
          throw new Error(
            `round ${round}: expected ${participantIds.length} updates, got ${admissions.size}`,
          );
      };
      expectJustThese();
      const sums = await work(fold.part());
      expectJustThese(); // one more may have come in while they were read
      return { part: sums, admissions: [...admissions] };
    },
    async agreements(round, sketches) {
      if (part?.round !== round) throw new Error(`round ${round}: there is no part of it here`);
      return [...(await work(part.fold.agreements(sketches)))];
    },
    forget,
  };
}
