/**
 * A round's updates on their way into the adapter: checked, measured and bounded one by one, then left to the rule. Of
 * each update that is not kept by the rule only its sketch stays until the round closes.
 */
import { clipFactor } from "@fedlodrop/privacy";
import { MAX_SAMPLE_COUNT } from "@fedlodrop/protocol";
import { type AdapterShape, type Aggregation, adapterSize, inPieces, type Pieces } from "@fedlodrop/run";
import { addTo, agreementsOf, createSketch, type Sketch, type Sketched, sketchSum } from "./agreement.ts";
import type { Mean, MeanSums } from "./exact-mean.ts";
import { inOrder } from "./kept-updates.ts";
import { beginNoisyMean, type RoundPrivacy } from "./noisy-mean.ts";
import { UPDATE_RULES } from "./rules.ts";
import { factorWithin, type SeenUpdate, type UpdateBounds } from "./update-bounds.ts";
import { createNorms, type MeasureNorms } from "./update-norms.ts";
import { type Combined, MAX_ABSOLUTE_CHANGE, MAX_UPDATES, type Update } from "./update-rule.ts";

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
}

/**
 * Some of a round's updates as sums: plain data, as large as the adapter however many they are of. A fold that is given
 * the parts of others becomes, to the bit, the one that it would be had it taken all of their updates itself.
 */
export interface FoldPart {
  readonly sums: MeanSums;
  /** Null where updates are not compared with each other, or there are none. */
  readonly sketches: Float64Array | null;
}

/** Its work comes in pieces, and one piece of work ends before the next begins. */
export interface Fold {
  readonly count: number;
  /** @throws on what `outOfRange` would have refused, on a second update of a participant, and beyond MAX_UPDATES */
  admit(update: Update): Pieces<Admission>;
  /** What was admitted so far, for another fold. @throws for a rule that has to see every update */
  part(): Pieces<FoldPart>;
  /** @throws where `admit` would have, and for a part of another adapter */
  merge(part: FoldPart): Pieces<void>;
  /** Of those admitted here. @param sketches of the whole round */
  agreements(sketches: Float64Array | null): Pieces<ReadonlyMap<string, number | null>>;
  /** Contributions and agreements of everyone admitted, in the order of their ids.
   *  @param elsewhere agreements of those that were merged */
  finish(elsewhere?: ReadonlyMap<string, number | null>): Pieces<FoldedRound>;
}

/** Whether rounds under these settings can be folded in parts. */
export const foldsInParts = (aggregation: Aggregation, isPrivate: boolean): boolean =>
  UPDATE_RULES[aggregation].memory === "streaming" && !isPrivate;

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
  /** Of updates that were admitted elsewhere. */
  let merged: Float64Array | null = null;

  const mean = (): Mean => {
    if (!foldsInParts(name, privacy !== undefined))
      throw new Error(`aggregate: ${name} has to see every update, and cannot be made of parts`);
    return combination as Mean;
  };
  const sketched = (): ReadonlyMap<string, Sketched> =>
    new Map([...admitted].flatMap(([id, own]) => (own ? [[id, own] as const] : [])));
  function* allSketches(): Pieces<Float64Array | null> {
    const own = yield* sketchSum(sketched().values());
    if (own !== null && merged !== null) addTo(own, merged);
    return own ?? merged;
  }

  return {
    get count() {
      return admitted.size;
    },
    *admit(update) {
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
      return { rms: norms.rms, product: norms.product(1), factor };
    },
    *part() {
      const { sums } = mean();
      return { sums, sketches: yield* allSketches() };
    },
    *merge({ sums, sketches }) {
      if (admitted.size + sums.weightOf.length > MAX_UPDATES)
        throw new Error(`aggregate: expected at most ${MAX_UPDATES} updates`);
      yield* mean().add(sums);
      if (sketches === null) return;
      merged ??= new Float64Array(sketches.length);
      addTo(merged, sketches);
    },
    *agreements(sketches) {
      const known = yield* agreementsOf(sketched(), sketches);
      return new Map([...admitted.keys()].map((id) => [id, known.get(id) ?? null]));
    },
    *finish(elsewhere = new Map()) {
      const { adapter: combined, contributions } = yield* combination.finish(adapter);
      const agreements = new Map([...elsewhere, ...(yield* agreementsOf(sketched(), yield* allSketches()))]);
      const ids = inOrder(new Map([...admitted.keys(), ...elsewhere.keys()].map((id) => [id, null])));
      return {
        adapter: combined,
        contributions: new Map(ids.map(([id]) => [id, contributions.get(id) ?? 0])),
        agreements: new Map(ids.map(([id]) => [id, agreements.get(id) ?? null])),
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
