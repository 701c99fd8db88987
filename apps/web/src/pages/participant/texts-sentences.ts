/** Whose texts a device trains on, and who has them too. */
import { sentences } from "../../ui/joined.ts";
import { partName } from "../../ui/part-name.ts";
import { say } from "../../words/words.ts";
import type { ParticipantState } from "./state.ts";

type Known = Pick<ParticipantState, "source" | "sampleCount" | "sharedWith" | "rounds">;

/** Said truthfully: texts that the host has handed out are no secret of this device. */
export function textsSentences({ source, sampleCount, sharedWith, rounds }: Known): string {
  if (!source || sampleCount === null) return "";
  if (source.kind === "own") return say("now.own-text", { file: source.fileName, count: sampleCount });
  // Not why it does: how many devices there are is not known here. Once the run has started devices go, and the others keep
  // the texts that they have.
  const shared = rounds.length === 0 ? "now.shared-lobby" : "now.shared";
  return sentences(
    say("now.given", { part: partName(source.device), count: sampleCount }),
    sharedWith > 0 && say(shared, { count: sharedWith }),
  );
}
