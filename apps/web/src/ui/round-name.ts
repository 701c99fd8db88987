/** A round as a table or a sentence names it: of two arms by turns each counts its own. */
import { armCount, armOf, type RoundRecord, type RunConfig, termsOf, turnOf } from "@fedlodrop/run";
import { say } from "../words/words.ts";
import { titleOf } from "./arm-title.ts";
import { formatCount } from "./format.ts";

export function roundName(config: RunConfig, of: Pick<RoundRecord, "round" | "turn">): string {
  const round = formatCount(turnOf(of));
  return armCount(config) === 1
    ? round
    : say("rounds.name-of-arm", { round, arm: titleOf(termsOf(config, armOf(of))) });
}

/** How many are to come before the first one. */
export const roundsPlanned = (config: RunConfig): string =>
  say(armCount(config) === 1 ? "now.rounds" : "now.rounds-each", { count: config.rounds });
