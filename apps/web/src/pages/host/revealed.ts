/** Whether the last round came to nothing, or gives a single device's update away. */
import { type ParticipantRound, type RoundRecord, type RunConfig, turnOf } from "@fedlodrop/run";

type Revealed = { readonly round: number } & (
  | { readonly kind: "tried-again"; readonly problem: string }
  | { readonly kind: "discarded" }
  | { readonly kind: "alone"; readonly only: ParticipantRound }
);

export function revealedIn(rounds: readonly RoundRecord[], config: RunConfig): Revealed | null {
  const last = rounds.at(-1);
  if (last === undefined) return null;
  const round = turnOf(last);
  const problem = last.secureAggregation?.problem;
  if (typeof problem === "string") return { kind: "tried-again", round, problem };
  if (last.participants.some(({ outcome }) => outcome === "discarded")) return { kind: "discarded", round };
  const [only, ...others] = last.participants.filter(({ outcome }) => outcome === "aggregated");
  // Noise hides it then.
  if (only === undefined || others.length > 0 || config.differentialPrivacy !== null) return null;
  return { kind: "alone", round, only };
}
