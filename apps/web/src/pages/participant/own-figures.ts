/** What this device has given so far: what the coordinator has told, and the rounds that the page has seen since. */
import { type Given, type GivenSoFar, give, type RunDescription } from "@fedlodrop/protocol";
import { adapterSize } from "@fedlodrop/run";
import type { ParticipantState, RoundProgress } from "./state.ts";

export const ownFigures = (
  { given, rounds }: Pick<ParticipantState, "given" | "rounds">,
  run: RunDescription,
): Given => withRounds(given, rounds, run);

/** @param rounds in their order; what they have in common with `given` counts once */
export function withRounds(
  given: GivenSoFar,
  rounds: readonly RoundProgress[],
  run: RunDescription,
): GivenSoFar {
  const terms = { fullValues: adapterSize(run.adapter), valueType: run.config.valueType };
  let sum: Given = given;
  let { upToRound } = given;
  for (const { start, closed, bytesDown, bytesUp, keptValues, energy } of rounds) {
    if (start.round <= upToRound) continue;
    const bytes = bytesDown + bytesUp;
    sum = give(sum, { ...terms, closed, turn: start.turn, bytes, keptValues, energy });
    upToRound = start.round;
  }
  return { ...given, ...sum, upToRound };
}
