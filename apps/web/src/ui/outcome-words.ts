/** What became of a participant's work in a round. */
import type { ParticipantOutcome } from "@fedlodrop/run";

export const OUTCOME_WORDS: Readonly<Record<ParticipantOutcome, string>> = {
  aggregated: "averaged in",
  late: "too late",
  refused: "refused",
  left: "left",
  "missed-deadline": "missed the deadline",
  discarded: "discarded, too few took part",
};
