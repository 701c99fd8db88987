/** One step of the machine, and how steps are put together. */
import type { Refusal } from "./refusal.ts";
import type { Effect } from "./run-event.ts";
import type { Run, RunState } from "./run-state.ts";

export interface Transition {
  readonly state: RunState;
  readonly effects: readonly Effect[];
}

export const unchanged = (state: RunState): Transition => ({ state, effects: [] });

export const refused = (state: RunState, refusal: Refusal): Transition => ({ state, effects: [refusal] });

export const withEffects = ({ state, effects }: Transition, first: readonly Effect[]): Transition => ({
  state,
  effects: [...first, ...effects],
});

/** `next` on the state reached, unless the first step was refused. */
export function andThen(step: Transition, next: (state: RunState) => Transition): Transition {
  return step.effects.some(({ kind }) => kind === "refuse")
    ? step
    : withEffects(next(step.state), step.effects);
}

/** Only what every state has. */
export const bare = ({
  config,
  adapter,
  largestSplit,
  participants,
  presentCount,
  placedCount,
  readyCount,
  dealsByNumber,
  holders,
  locked,
  intent,
  records,
  basedOnRound,
  triedCount,
  desertedCount,
  evaluatedRounds,
  baseTestLoss,
}: Run): Run => ({
  config,
  adapter,
  largestSplit,
  participants,
  presentCount,
  placedCount,
  readyCount,
  dealsByNumber,
  holders,
  locked,
  intent,
  records,
  basedOnRound,
  triedCount,
  desertedCount,
  evaluatedRounds,
  baseTestLoss,
});
