/**
 * The numbers of all arms of a run. An arm's rounds know nothing of the other's: neither its adapter nor what its updates
 * were like, and their masks are drawn as if they were alone. Which arm's the numbers are follows from the round that was
 * opened last.
 */
import { type AdapterShape, armCount, armOf, type RunConfig, type Turn, turnOf } from "@fedlodrop/run";
import {
  createRoundNumbers,
  NOTHING_REMEMBERED,
  type RoundMemory,
  type RoundNumbers,
} from "./round-numbers.ts";

export interface ArmNumbers extends Omit<RoundNumbers, "begin" | "memory"> {
  /** @param turn undefined in a run that compares nothing */
  begin(turn: Turn | undefined, ...terms: Parameters<RoundNumbers["begin"]>): void;
  /** By which masks of this round are drawn. */
  maskRound(round: number): number;
  /** Of the run's own arm; `adapter` is that of the last round's. */
  readonly ownAdapter: Float32Array;
  /** Of all arms, one behind the other: what is stored. */
  readonly adapters: Float32Array;
  /** Of each arm. */
  readonly memory: readonly RoundMemory[];
}

/** @param adapters of all arms, one behind the other @param last the turn of the last round that has closed */
export function createArmNumbers(
  shape: AdapterShape,
  config: RunConfig,
  adapters: Float32Array,
  remembered: readonly RoundMemory[],
  last: Turn | undefined,
): ArmNumbers {
  const size = adapters.length / armCount(config);
  const arms = Array.from({ length: armCount(config) }, (_, arm) =>
    createRoundNumbers(
      shape,
      config.seed,
      adapters.slice(arm * size, (arm + 1) * size),
      remembered[arm] ?? NOTHING_REMEMBERED,
    ),
  );
  const own = arms[0] as RoundNumbers;
  let turn = last;
  const current = (): RoundNumbers => arms[armOf({ turn })] as RoundNumbers;
  return {
    get adapter() {
      return current().adapter;
    },
    get ownAdapter() {
      return own.adapter;
    },
    get adapters() {
      if (arms.length === 1) return own.adapter;
      const all = new Float32Array(size * arms.length);
      for (const [arm, { adapter }] of arms.entries()) all.set(adapter, arm * size);
      return all;
    },
    subAdapter: (round, participantId, dropoutRate) =>
      current().subAdapter(turnOf({ round, turn }), participantId, dropoutRate),
    begin(next, terms, noiseMultiplier) {
      turn = next;
      current().begin(terms, noiseMultiplier);
    },
    hold: (participantId, changes) => current().hold(participantId, changes),
    drop: (participantId) => current().drop(participantId),
    fold: (update) => current().fold({ ...update, round: turnOf({ round: update.round, turn }) }),
    maskRound: (round) => turnOf({ round, turn }),
    get partTerms() {
      return current().partTerms;
    },
    isLeftOut: (participantId) => current().isLeftOut(participantId),
    part: () => current().part(),
    merge: (part) => current().merge(part),
    finish: (agreements) => current().finish(agreements),
    discard: () => current().discard(),
    adopt: (adapter, round) => current().adopt(adapter, round),
    canRestore: (beforeRound) => current().canRestore(beforeRound),
    before: (round) => current().before(round),
    goBackTo: (adapter) => current().goBackTo(adapter),
    recorded: (record) => current().recorded(record),
    forget(participantId) {
      for (const arm of arms) arm.forget(participantId);
    },
    get memory() {
      return arms.map(({ memory }) => memory);
    },
  };
}
