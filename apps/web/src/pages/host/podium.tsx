/** The end of a run: what came of it, and who made it. */
import { formatBytes, formatLoss, formatPercent, formatSeconds } from "../../ui/format.ts";
import type { ReceivedView } from "./connection.ts";
import { contributionsOf } from "./contributions.ts";
import { Downloads } from "./downloads.tsx";
import { tellStory } from "./story.ts";
import { byteTotals } from "./totals.ts";

const STEPS = ["gold", "silver", "bronze"] as const;

interface PodiumProps {
  readonly view: ReceivedView;
  readonly hostKey: string;
}

export function Podium({ view: { rounds, config, baseTestLoss }, hostKey }: PodiumProps) {
  const contributions = contributionsOf(rounds);
  const story = tellStory(rounds, baseTestLoss);
  const { down, up, withoutDropout } = byteTotals(rounds, config.valueType);
  const test = rounds.findLast(({ testLoss }) => testLoss !== null)?.testLoss ?? null;
  const seconds = rounds.reduce((total, round) => total + round.seconds, 0);
  return (
    <section class="card podium" data-testid="podium">
      <h2>Made together by {contributions.length} devices</h2>
      <p class={`headline ${story.kind}`}>{story.headline}</p>
      <ol class="steps">
        {contributions.slice(0, 3).map(({ id, nickname, share, rounds: made }, i) => (
          <li key={id} class={STEPS[i]}>
            <strong>{nickname}</strong>
            <span class="number">{formatPercent(share)}</span>
            <small>
              of the model, in {made} {made === 1 ? "round" : "rounds"}
            </small>
          </li>
        ))}
      </ol>
      {contributions.length > 3 && (
        <p class="number">
          {contributions
            .slice(3)
            .map(({ nickname, share }) => `${nickname} ${formatPercent(share)}`)
            .join(" · ")}
        </p>
      )}
      <p>
        {baseTestLoss !== null && test !== null && (
          <>
            Mistakes on unseen texts: {formatLoss(baseTestLoss)} before, {formatLoss(test)} after.{" "}
          </>
        )}
        {rounds.length} rounds took {formatSeconds(seconds)}; {formatBytes(down + up)} were sent
        {withoutDropout > 0 && ` of ${formatBytes(withoutDropout)} without dropout`}.
      </p>
      <Downloads hostKey={hostKey} />
    </section>
  );
}
