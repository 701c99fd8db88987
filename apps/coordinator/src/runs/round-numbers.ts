/**
 * The numbers of a run: the full adapter, and what the open round adds to it. An update that has been validated waits
 * in its sender's slot until the machine has answered for it on its header. Folding and finishing come in pieces, and
 * are done in the order in which they were asked for.
 */
import { randomBytes } from "node:crypto";
import {
  type Admission,
  beginFold,
  boundsOf,
  createStandings,
  type Effect,
  type Fold,
  type FoldPart,
  foldsInParts,
  type MemberUpdate,
  type SeenUpdate,
  type Standing,
  type UpdateBounds,
} from "@fedlodrop/federation";
import { secureUniform } from "@fedlodrop/privacy";
import type { AdapterShape, Aggregation, Pieces, RoundRecord, RunConfig, SubAdapter } from "@fedlodrop/run";
import { createSubAdapters } from "./sub-adapters.ts";

export interface RoundNumbers {
  /** The full adapter after the last closed round; never changed in place. */
  readonly adapter: Float32Array;
  subAdapter(round: number, participantId: string, dropoutRate: number): Pieces<SubAdapter>;
  /** Opens a round by these settings; what is asked of its updates follows from the rounds before. */
  begin(
    terms: Pick<RunConfig, "aggregation" | "training" | "differentialPrivacy">,
    noiseMultiplier: number | null,
  ): void;
  hold(participantId: string, changes: Float32Array): void;
  drop(participantId: string): void;
  /** Takes what is in the slot now. */
  fold(update: FoldedUpdate): Pieces<void>;
  /** What a fold of some of the open round's updates elsewhere has to know; null for a round that is folded in one place. */
  readonly partTerms: PartTerms | null;
  isLeftOut(participantId: string): boolean;
  /** What was folded here so far. */
  part(): Pieces<FoldPart>;
  merge(part: GatewayPart): Pieces<void>;
  /** The adapter with what was folded, which is not `adapter` until `adopt`, and what became of each update.
   *  @param agreements of updates that were folded elsewhere */
  finish(agreements?: ReadonlyMap<string, number | null>): Pieces<FinishedRound>;
  /** The adapter as it was: nothing of the open round is kept. */
  discard(): Pieces<FinishedRound>;
  adopt(adapter: Float32Array, round: number): void;
  /** Whether the adapter that this round began with is still there. */
  canRestore(beforeRound: number): boolean;
  /** The adapter that this round began with. @throws when it is not kept any more */
  before(round: number): Float32Array;
  goBackTo(adapter: Float32Array): void;
  /** Takes in a round that has closed. */
  recorded(record: RoundRecord): void;
  /** A participant will not come back as the same. */
  forget(participantId: string): void;
  readonly memory: RoundMemory;
}

export interface PartTerms {
  readonly aggregation: Aggregation;
  readonly bounds: UpdateBounds;
}

/** A part, and what became of each update in it. */
export interface GatewayPart {
  readonly part: FoldPart;
  readonly admissions: readonly (readonly [participantId: string, admission: Admission])[];
}

export type FoldedUpdate = Omit<Extract<Effect, { kind: "fold-update" }>, "kind">;

/** What later rounds' bounds and standings follow from: all that has to be known of the rounds before. */
export interface RoundMemory {
  readonly standings: readonly Standing[];
  /** Updates of the last rounds that had any, as large as they came; the last round last. */
  readonly seen: readonly (readonly SeenUpdate[])[];
}

export const NOTHING_REMEMBERED: RoundMemory = { standings: [], seen: [] };

interface FinishedRound {
  readonly adapter: Float32Array;
  readonly updates: readonly MemberUpdate[];
}

export function createRoundNumbers(
  shape: AdapterShape,
  seed: string,
  initial: Float32Array,
  remembered: RoundMemory,
): RoundNumbers {
  const subAdapters = createSubAdapters(shape, seed);
  /** By participant: changes that are decoded, finite and within range. */
  const slots = new Map<string, Float32Array>();
  const admissions = new Map<string, Admission>();
  const standings = createStandings(remembered.standings);
  let { seen } = remembered;
  let adapter = initial;
  /** By the round that began with it: adapters that a host can go back to. */
  const earlier = new Map<number, Float32Array>();
  let open: Fold | null = null;
  let partTerms: PartTerms | null = null;

  function theOpen(): Fold {
    if (open === null) throw new Error("round: expected an open one to fold into");
    return open;
  }

  function recorded(record: RoundRecord): void {
    const updates = record.participants.flatMap(({ id, update }) =>
      update === null ? [] : [{ id, ...update }],
    );
    if (updates.length === 0) return;
    const sizes = updates.map(({ rms, product }) => ({ rms, product }));
    seen = [...seen, sizes].slice(-ROUNDS_REMEMBERED);
    standings.note(new Map(updates.map(({ id, agreement }) => [id, agreement])));
  }

  return {
    get adapter() {
      return adapter;
    },
    subAdapter: subAdapters.of,
    begin({ aggregation, training, differentialPrivacy }, noiseMultiplier) {
      admissions.clear();
      const bounds = boundsOf(seen, training, adapter);
      partTerms = foldsInParts(aggregation, differentialPrivacy !== null) ? { aggregation, bounds } : null;
      open = beginFold(aggregation, {
        shape,
        adapter,
        bounds,
        isLeftOut: standings.isLeftOut,
        privacy:
          differentialPrivacy === null || noiseMultiplier === null
            ? undefined
            : { clip: differentialPrivacy.clip, noiseMultiplier, uniform: secureUniform(randomBytes) },
      });
    },
    hold(participantId, changes) {
      slots.set(participantId, changes);
    },
    drop(participantId) {
      slots.delete(participantId);
    },
    fold({ round, participantId, dropoutRate, weight }) {
      const changes = slots.get(participantId);
      const into = open;
      if (changes === undefined || into === null)
        throw new Error(
          `round ${round}: expected an open round and an update of ${participantId} in its slot`,
        );
      return (function* () {
        const { indices } = yield* subAdapters.of(round, participantId, dropoutRate);
        admissions.set(participantId, yield* into.admit({ participantId, changes, indices, weight }));
      })();
    },
    get partTerms() {
      return partTerms;
    },
    isLeftOut: standings.isLeftOut,
    part: () => theOpen().part(),
    *merge({ part, admissions: others }) {
      yield* theOpen().merge(part);
      for (const [participantId, admission] of others) admissions.set(participantId, admission);
    },
    *finish(elsewhere) {
      if (open === null) return { adapter, updates: [] };
      const { adapter: next, contributions, agreements } = yield* open.finish(elsewhere);
      open = null;
      const updates = [...admissions].map(([participantId, admission]) => ({
        participantId,
        update: {
          ...admission,
          agreement: agreements.get(participantId) ?? null,
          contribution: contributions.get(participantId) ?? 0,
        },
      }));
      return { adapter: next, updates };
    },
    // biome-ignore lint/correctness/useYield: as `finish`, in one piece
    *discard() {
      open = null;
      return { adapter, updates: [] };
    },
    adopt(next, round) {
      earlier.set(round, adapter);
      earlier.delete(round - ROUNDS_UNDOABLE);
      adapter = next;
    },
    canRestore: (beforeRound) => earlier.has(beforeRound),
    before(round) {
      const back = earlier.get(round);
      if (back === undefined) throw new Error(`rollback: the model before round ${round} is not kept`);
      return back;
    },
    goBackTo(back) {
      adapter = back;
    },
    recorded,
    forget: standings.forget,
    get memory() {
      return { standings: standings.all, seen };
    },
  };
}

const ROUNDS_REMEMBERED = 3;
const ROUNDS_UNDOABLE = 3;
