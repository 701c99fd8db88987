/** Says so when a round came to nothing, or gives a single device's update away. It may be so in every round: it is announced with them. */
import type { RoundRecord, RunConfig } from "@fedlodrop/run";
import { Technical } from "../../ui/technical.tsx";
import { rich, say } from "../../words/words.ts";
import { revealedIn } from "./revealed.ts";

interface RevealingProps {
  readonly rounds: readonly RoundRecord[];
  readonly config: RunConfig;
}

export function Revealing({ rounds, config }: RevealingProps) {
  const found = revealedIn(rounds, config);
  if (found === null) return null;
  const { round } = found;
  switch (found.kind) {
    case "tried-again":
      return (
        <div class="notice" data-testid="no-sum">
          {say("revealing.tried-again", { round })} <Technical>{found.problem}</Technical>
        </div>
      );
    case "discarded":
      return (
        <p class="notice" data-testid="discarded">
          {say("revealing.discarded", { round, count: config.minContributors })}
        </p>
      );
    case "alone":
      return (
        <p class="notice" data-testid="revealing">
          {rich("revealing.alone", {
            round,
            nickname: <bdi>{found.only.nickname}</bdi>,
            flag: <code>--min-contributors 2</code>,
          })}
        </p>
      );
    default:
      return found satisfies never;
  }
}
