/**
 * A round's updates on their way into the adapter: checked, measured and bounded one by one, then left to the rule. Of
 * each update that is not kept by the rule only its sketch stays until the round closes.
 */
import { clipFactor } from "@fedlodrop/privacy";
import { MAX_SAMPLE_COUNT } from "@fedlodrop/protocol";
import {
  type AdapterShape,
  type Aggregation,
  adapterSize,
  inPieces,
  type Pieces,
  type Side,
} from "@fedlodrop/run";
import { agreementsOf, createSketch, type Sketch, type Sketched } from "./agreement.ts";
import { beginContrast, type Contrast, type Contrasting } from "./contrast.ts";
import { inOrder } from "./kept-updates.ts";
import { beginNoisyMean, type RoundPrivacy } from "./noisy-mean.ts";
import { UPDATE_RULES } from "./rules.ts";
import { factorWithin, type SeenUpdate, type UpdateBounds } from "./update-bounds.ts";
import { createNorms, type MeasureNorms } from "./update-norms.ts";
import type { Combined, Update } from "./update-rule.ts";

/** Largest change of one value that is accepted. */
export const MAX_ABSOLUTE_CHANGE = 32;
export const MAX_UPDATES = 2 ** 14;

export interface RoundTerms {
  readonly shape: AdapterShape;
  /** Full adapter that the round begins with. */
  readonly adapter: Float32Array;
  readonly bounds: UpdateBounds;
  /** By what it did in earlier rounds (`createStandings`). */
  isLeftOut(participantId: string): boolean;
  /** Clips updates and adds noise, in place of the rule's own bounds. */
  readonly privacy?: RoundPrivacy | undefined;
}

/** What became of an update. */
export interface Admission extends SeenUpdate {
  /** What the update was multiplied by to be within the bounds: 1 as it came, 0 left out. */
  readonly factor: number;
}

export interface FoldedRound extends Combined {
  /**
   * Of every update with the others, by participant (`agreementsOf`). Null for adapters with a classifier's head:
   * devices that hold other classes disagree for honest reasons.
   */
  readonly agreements: ReadonlyMap<string, number | null>;
  /** Null where no rates were raised to learn from. */
  readonly contrast: Contrast | null;
}

/** Its work comes in pieces, and one piece of work ends before the next begins. */
export interface Fold {
  readonly count: number;
  /** @param side of the round's rates; null where it has none
   *  @throws on what `outOfRange` would have refused, on a second update of a participant, and beyond MAX_UPDATES */
  admit(update: Update, side?: Side | null): Pieces<Admission>;
  /** Contributions and agreements of everyone admitted, in the order of their ids. */
  finish(): Pieces<FoldedRound>;
}

/** Why these changes cannot be aggregated, or null. Compares so that NaN is refused too. */
export function* outOfRange(changes: Float32Array): Pieces<string | null> {
  let strange = -1;
  yield* inPieces(changes.length, (from, to) => {
    for (let at = from; at < to && strange < 0; at++)
      if (!(Math.abs(changes[at] as number) <= MAX_ABSOLUTE_CHANGE)) strange = at;
  });
  return strange < 0
    ? null
    : `update: expected changes within ±${MAX_ABSOLUTE_CHANGE}, got ${changes[strange]} at value ${strange}`;
}

export function beginFold(
  name: Aggregation,
  { shape, adapter, bounds, isLeftOut, privacy }: RoundTerms,
): Fold {
  const rule = UPDATE_RULES[name];
  const size = adapterSize(shape);
  const combination = privacy ? beginNoisyMean(size, privacy) : rule.begin(size);
  const isBounded = rule.bounded && privacy === undefined;
  let tools: { readonly measure: MeasureNorms; readonly sketch: Sketch | null } | null = null;
  const admitted = new Map<string, Sketched | null>();
  let contrasting: Contrasting | null = null;
  return {
    get count() {
      return admitted.size;
    },
    *admit(update, side = null) {
      yield* check(update, admitted);
      tools ??= {
        measure: yield* createNorms(shape, adapter),
        sketch: shape.dense.length === 0 ? yield* createSketch(size) : null,
      };
      const { measure, sketch } = tools;
      const norms = yield* measure(update);
      const within = privacy
        ? clipFactor(update.changes, privacy.clip)
        : isBounded
          ? factorWithin(norms, bounds)
          : 1;
      const factor = isBounded && isLeftOut(update.participantId) ? 0 : within;
      admitted.set(
        update.participantId,
        sketch && { sketch: yield* sketch(update, within), counts: factor > 0 },
      );
      const changes = factor === 1 ? update.changes : yield* scaled(update.changes, factor);
      if (factor > 0) yield* combination.take({ ...update, changes });
      // What is learnt from a contrast would not be accounted for.
      if (factor > 0 && side !== null && privacy === undefined) {
        contrasting ??= beginContrast(size);
        yield* contrasting.take({ ...update, changes }, side);
      }
      return { rms: norms.rms, product: norms.product(1), factor };
    },
    *finish() {
      const { adapter: combined, contributions } = yield* combination.finish(adapter);
      const sketched = new Map([...admitted].flatMap(([id, own]) => (own ? [[id, own] as const] : [])));
      const agreements = yield* agreementsOf(sketched);
      const ids = inOrder(admitted).map(([id]) => id);
      return {
        adapter: combined,
        contrast: contrasting && (yield* contrasting.finish(adapter)),
        contributions: new Map(ids.map((id) => [id, contributions.get(id) ?? 0])),
        agreements: new Map(ids.map((id) => [id, agreements.get(id) ?? null])),
      };
    },
  };
}

function* scaled(changes: Float32Array, factor: number): Pieces<Float32Array> {
  const all = new Float32Array(changes.length);
  yield* inPieces(all.length, (from, to) => {
    for (let i = from; i < to; i++) all[i] = factor * (changes[i] as number);
  });
  return all;
}

function* check(
  { participantId, changes, indices, weight }: Update,
  admitted: ReadonlyMap<string, unknown>,
): Pieces<void> {
  const fail = (what: string): never => {
    throw new Error(`aggregate: ${what}`);
  };
  if (!(Number.isInteger(weight) && weight >= 1 && weight <= MAX_SAMPLE_COUNT))
    fail(`expected a whole weight from 1 to ${MAX_SAMPLE_COUNT}, got ${weight}`);
  if (changes.length !== indices.length) fail(`expected ${indices.length} changes, got ${changes.length}`);
  if (admitted.has(participantId)) fail(`expected one update of ${participantId}, got a second`);
  if (admitted.size === MAX_UPDATES) fail(`expected at most ${MAX_UPDATES} updates`);
  const problem = yield* outOfRange(changes);
  if (problem !== null) fail(problem);
}
