/** The end of a run: what came of it, and who made it. */
import { ofArm } from "@fedlodrop/run";
import { titleOf } from "../../ui/arm-title.ts";
import { formatBytes, formatLoss, formatPercent, formatSeconds } from "../../ui/format.ts";
import { say } from "../../words/words.ts";
import { type Comparison, compareArms, dropoutInAll, mayCompare, oppositeArm } from "./comparison.ts";
import type { ReceivedView } from "./connection.ts";
import { contributionsOf, stepOf } from "./contributions.ts";
import type { Command } from "./controls.tsx";
import { Downloads } from "./downloads.tsx";
import { bytesSoFar } from "./rounds-so-far.ts";
import { tellStory } from "./story.ts";

/** Which of the three places, from the middle outwards. */
const PLACES = ["first", "second", "third"] as const;
interface PodiumProps {
  readonly view: ReceivedView;
  /** Null where there are no files to take along. */
  readonly hostKey: string | null;
  readonly command?: Command;
}

export function Podium({ view, hostKey, command }: PodiumProps) {
  const { rounds, past, config, taskKind, baseTestLoss } = view;
  const contributions = contributionsOf(
    rounds,
    past.map(({ shares }) => shares),
  );
  const comparison = compareArms(config, rounds, past);
  const own = ofArm(rounds, 0);
  // As on the stage: a lesson asks for it.
  const about = view.lesson === null ? dropoutInAll(config) : null;
  const story = comparison ?? tellStory(own, baseTestLoss, taskKind);
  const test =
    comparison === null
      ? (own.findLast(({ testLoss }) => testLoss !== null)?.testLoss ?? null)
      : comparison.own.loss;
  return (
    <section class="card podium" data-testid="podium">
      <h2>{say("podium.title", { count: contributions.length })}</h2>
      <p class={`headline ${story.kind}`}>{story.headline}</p>
      {about !== null && (
        <p class="muted" data-testid="podium-about">
          {about}
        </p>
      )}
      <ol class="steps">
        {contributions.slice(0, 3).map(({ id, nickname, share, rounds: made }, i) => (
          <li key={id} class={`${PLACES[i]} ${stepOf(contributions, share)}`}>
            <strong>{nickname}</strong>
            <span class="number">{formatPercent(share)}</span>
            <small>{say("podium.share", { count: made })}</small>
          </li>
        ))}
      </ol>
      {contributions.length > 3 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: without it keys could not scroll the names.
        <section class="others number" aria-label={say("podium.others")} tabIndex={0}>
          {contributions
            .slice(3)
            .map(({ nickname, share }) => `${nickname} ${formatPercent(share)}`)
            .join(" · ")}
        </section>
      )}
      <p>
        {baseTestLoss !== null &&
          test !== null &&
          `${say("podium.mistakes", { before: formatLoss(baseTestLoss), after: formatLoss(test) })} `}
        {comparison !== null && comparison.turn > 0 ? whatEachTook(comparison) : whatItTook(view)}
      </p>
      {command && config.compareWith === null && mayCompare(config) && (
        <p>
          <button
            type="button"
            data-testid="compare"
            onClick={() => command({ kind: "configure", config: { compareWith: oppositeArm(config) } })}
          >
            {say("podium.again", { arm: titleOf(oppositeArm(config)) })}
          </button>
        </p>
      )}
      {hostKey !== null && <Downloads hostKey={hostKey} />}
    </section>
  );
}

function whatItTook({ rounds, config, past }: ReceivedView): string {
  const { down, up, withoutDropout } = bytesSoFar(rounds, config.valueType, past);
  const took = {
    count: rounds.length,
    time: formatSeconds(rounds.reduce((total, { seconds }) => total + seconds, 0)),
    bytes: formatBytes(down + up),
  };
  return withoutDropout > 0 && config.compareWith === null
    ? say("podium.took-saved", { ...took, all: formatBytes(withoutDropout) })
    : say("podium.took", took);
}

const whatEachTook = ({ own, other, turn }: Comparison): string =>
  say("podium.took-each", {
    count: turn,
    time: formatSeconds(own.seconds + other.seconds),
    ...{ bytes: formatBytes(own.bytes), arm: own.title },
    ...{ others: formatBytes(other.bytes), other: other.title },
  });
