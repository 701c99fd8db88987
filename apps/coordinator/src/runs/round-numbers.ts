/**
 * The numbers of a run: the full adapter, and what the open round adds to it. An update that has been validated waits
 * in its sender's slot until the machine has answered for it on its header.
 */
import { type Aggregation, createAggregation } from "@fedlodrop/federation";
import { type AdapterShape, adapterSize, type SubAdapter } from "@fedlodrop/run";
import { createSubAdapters } from "./sub-adapters.ts";

export interface RoundNumbers {
  /** The full adapter after the last closed round; never changed in place. */
  readonly adapter: Float32Array;
  subAdapter(round: number, participantId: string, dropoutRate: number): SubAdapter;
  begin(): void;
  hold(participantId: string, changes: Float32Array): void;
  drop(participantId: string): void;
  fold(round: number, participantId: string, dropoutRate: number, weight: number): void;
  /** The adapter with what was folded; `adapter` until `adopt`. */
  finish(): Float32Array;
  adopt(adapter: Float32Array): void;
}

export function createRoundNumbers(shape: AdapterShape, seed: string, initial: Float32Array): RoundNumbers {
  const subAdapters = createSubAdapters(shape, seed);
  /** By participant: changes that are decoded, finite and within range. */
  const slots = new Map<string, Float32Array>();
  let adapter = initial;
  let aggregation: Aggregation | null = null;
  return {
    get adapter() {
      return adapter;
    },
    subAdapter: subAdapters.of,
    begin() {
      aggregation = createAggregation(adapterSize(shape));
    },
    hold(participantId, changes) {
      slots.set(participantId, changes);
    },
    drop(participantId) {
      slots.delete(participantId);
    },
    fold(round, participantId, dropoutRate, weight) {
      const changes = slots.get(participantId);
      if (changes === undefined || aggregation === null)
        throw new Error(
          `round ${round}: expected an open round and an update of ${participantId} in its slot`,
        );
      aggregation.fold(changes, subAdapters.of(round, participantId, dropoutRate).indices, weight);
    },
    finish() {
      const finished = aggregation?.apply(adapter) ?? adapter;
      aggregation = null;
      return finished;
    },
    adopt(next) {
      adapter = next;
    },
  };
}
