/** What this device has given so far: what the coordinator has told, and the round that is under way. */
import { type Given, give, type RunDescription } from "@fedlodrop/protocol";
import { adapterSize } from "@fedlodrop/run";
import type { ParticipantState } from "./state.ts";

export function ownFigures(
  { given, rounds }: Pick<ParticipantState, "given" | "rounds">,
  run: RunDescription,
): Given {
  const terms = { fullValues: adapterSize(run.adapter), valueType: run.config.valueType };
  let sum: Given = given;
  for (const { start, closed, bytesDown, bytesUp, keptValues, energy } of rounds)
    if (start.round > given.upToRound)
      sum = give(sum, { ...terms, closed, turn: start.turn, bytes: bytesDown + bytesUp, keptValues, energy });
  return sum;
}
