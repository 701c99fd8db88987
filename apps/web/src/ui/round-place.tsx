/** Which round it is of how many: of two arms by turns each counts its own. */
import { armCount, armOf, type RoundRecord, type RunConfig, termsOf, turnOf } from "@fedlodrop/run";
import { rich } from "../words/words.ts";
import { titleOf } from "./arm-title.ts";
import { formatCount } from "./format.ts";

interface RoundPlaceProps {
  readonly config: RunConfig;
  readonly of: Pick<RoundRecord, "round" | "turn">;
  /** As many as each arm has; those that were asked for unless told. */
  readonly rounds?: number;
}

export function RoundPlace({ config, of, rounds = config.rounds }: RoundPlaceProps) {
  const place = { round: <span data-testid="round">{formatCount(turnOf(of))}</span>, rounds };
  return (
    <>
      {armCount(config) === 2 && of.round > 0
        ? rich("rounds.of-arm", { ...place, arm: titleOf(termsOf(config, armOf(of))) })
        : rich("rounds.of", place)}
    </>
  );
}
