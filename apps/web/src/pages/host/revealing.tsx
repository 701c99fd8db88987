/** Says so when a round gives a single device's update away. */
import { type RoundRecord, type RunConfig, turnOf } from "@fedlodrop/run";
import { Technical } from "../../ui/technical.tsx";
import { rich, say } from "../../words/words.ts";

interface RevealingProps {
  readonly rounds: readonly RoundRecord[];
  readonly config: RunConfig;
}

export function Revealing({ rounds, config }: RevealingProps) {
  const last = rounds.at(-1);
  if (last === undefined) return null;
  const round = turnOf(last);
  const [only, ...others] = last.participants.filter(({ outcome }) => outcome === "aggregated");
  const discarded = last.participants.some(({ outcome }) => outcome === "discarded");
  const problem = last.secureAggregation?.problem;
  if (typeof problem === "string")
    return (
      <div class="notice" role="status" data-testid="no-sum">
        {say("revealing.tried-again", { round })} <Technical>{problem}</Technical>
      </div>
    );
  if (discarded)
    return (
      <p class="notice" role="status" data-testid="discarded">
        {say("revealing.discarded", { round, count: config.minContributors })}
      </p>
    );
  // Noise hides it then.
  if (only === undefined || others.length > 0 || config.differentialPrivacy !== null) return null;
  return (
    <p class="notice" role="status" data-testid="revealing">
      {rich("revealing.alone", {
        round,
        nickname: <bdi>{only.nickname}</bdi>,
        flag: <code>--min-contributors 2</code>,
      })}
    </p>
  );
}
