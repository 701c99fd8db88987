/** One device on the stage: its state by colour and shape, its progress, its dropout rate and why. */
import type { ParticipantView } from "@fedlodrop/protocol";
import { formatPercent } from "../../ui/format.ts";
import { ShortName } from "../../ui/short-name.tsx";
import { say } from "../../words/words.ts";

/** A shape for each state, so that colour is never alone; words for those who hear the page. */
const SHAPES: Readonly<Record<ParticipantView["state"], string>> = {
  loading: "◌",
  ready: "●",
  downloading: "▼",
  training: "◆",
  uploading: "▲",
  waiting: "✓",
  away: "○",
  kicked: "✕",
};

interface TileProps {
  readonly participant: ParticipantView;
  readonly reason: string;
  /** There is no room for words: they are for those who hear the page. Of many tiles each box is work at every round. */
  readonly isTerse: boolean;
}

export function Tile({ participant, reason, isTerse }: TileProps) {
  const { id, nickname, state, dropoutRate, step, localSteps } = participant;
  const words = say(`state.${state}`);
  const done = state === "training" && localSteps > 0 ? step / localSteps : state === "uploading" ? 1 : 0;
  const rate = dropoutRate === null ? null : formatPercent(dropoutRate);
  const sentence = sentenceOn(nickname, words, rate, reason);
  return (
    <li
      class={`tile ${state}`}
      data-testid={`tile-${id}`}
      data-device={id}
      title={sentence}
      style={`--done: ${done}`}
    >
      <span class="tile-rate" aria-hidden="true" style={`--rate: ${dropoutRate ?? 0}`} />
      {isTerse ? (
        <>
          <ShortName name={nickname} class="tile-name" />
          <span class="tile-state" aria-hidden="true">
            {SHAPES[state]}
          </span>
          {dropoutRate !== null && (
            <span class="tile-reason number" aria-hidden="true">
              {formatPercent(Math.round(100 * dropoutRate) / 100)}
            </span>
          )}
          <span class="unseen">{sentence}</span>
        </>
      ) : (
        <>
          <bdi class="tile-name">{nickname}</bdi>
          <span class="tile-state">
            <span aria-hidden="true">{SHAPES[state]}</span> {words}
          </span>
          {rate !== null && (
            <span class="tile-reason number">
              {reason === "" ? say("tile.drops", { rate }) : say("tile.drops-because", { rate, why: reason })}
            </span>
          )}
        </>
      )}
    </li>
  );
}

/** All that a tile says; @param why empty where nothing stands out */
function sentenceOn(nickname: string, state: string, rate: string | null, why: string): string {
  if (rate === null) return say("tile.title", { nickname, state });
  return why === ""
    ? say("tile.title-rate", { nickname, state, rate })
    : say("tile.title-because", { nickname, state, rate, why });
}
