/**
 * The numbers of all arms of a run. An arm's rounds know nothing of the other's: neither its adapter nor what its updates
 * were like, and their masks are drawn as if they were alone. Which arm's the numbers are follows from the round that was
 * opened last.
 */
import { type AdapterShape, armCount, armOf, type RunConfig, turnOf } from "@fedlodrop/run";
import {
  createRoundNumbers,
  NOTHING_REMEMBERED,
  type RoundMemory,
  type RoundNumbers,
} from "./round-numbers.ts";

export interface ArmNumbers extends Omit<RoundNumbers, "begin" | "memory"> {
  begin(round: number, ...terms: Parameters<RoundNumbers["begin"]>): void;
  /** Of the run's own arm; `adapter` is that of the last round's. */
  readonly ownAdapter: Float32Array;
  /** Of all arms, one behind the other: what is stored. */
  readonly adapters: Float32Array;
  /** Of each arm. */
  readonly memory: readonly RoundMemory[];
}

/** @param adapters of all arms, one behind the other @param roundsDone the last of which says whose turn it was */
export function createArmNumbers(
  shape: AdapterShape,
  config: RunConfig,
  adapters: Float32Array,
  remembered: readonly RoundMemory[],
  roundsDone: number,
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
  const armIn = (round: number): RoundNumbers => arms[armOf(config, round)] as RoundNumbers;
  let turn = armIn(roundsDone);
  return {
    get adapter() {
      return turn.adapter;
    },
    get contrast() {
      return turn.contrast;
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
      armIn(round).subAdapter(turnOf(config, round), participantId, dropoutRate),
    begin(round, terms, noiseMultiplier) {
      turn = armIn(round);
      turn.begin(terms, noiseMultiplier);
    },
    hold: (participantId, changes) => turn.hold(participantId, changes),
    drop: (participantId) => turn.drop(participantId),
    fold: (update) => turn.fold({ ...update, round: turnOf(config, update.round) }),
    finish: () => turn.finish(),
    discard: () => turn.discard(),
    adopt: (adapter, round) => armIn(round).adopt(adapter, round),
    canRestore: (beforeRound) => turn.canRestore(beforeRound),
    before: (round) => turn.before(round),
    goBackTo: (adapter) => turn.goBackTo(adapter),
    recorded: (record) => armIn(record.round).recorded(record),
    forget(participantId) {
      for (const arm of arms) arm.forget(participantId);
    },
    get memory() {
      return arms.map(({ memory }) => memory);
    },
  };
}
