/** One device on the stage: its state by colour and shape, its progress, its dropout rate and why. */
import type { ParticipantView } from "@fedlodrop/protocol";
import { formatPercent } from "../../ui/format.ts";
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
  /** There is no room for words: they are for those who hear the page. */
  readonly isTerse: boolean;
}

export function Tile({ participant, reason, isTerse }: TileProps) {
  const { id, nickname, state, dropoutRate, step, localSteps } = participant;
  const words = say(`state.${state}`);
  const done = state === "training" && localSteps > 0 ? step / localSteps : state === "uploading" ? 1 : 0;
  const wording = isTerse ? "unseen" : "";
  const rate = dropoutRate === null ? null : formatPercent(dropoutRate);
  return (
    <li
      class={`tile ${state}`}
      data-testid={`tile-${id}`}
      data-device={id}
      title={
        rate === null
          ? say("tile.title", { nickname, state: words })
          : say("tile.title-rate", { nickname, state: words, rate })
      }
      style={`--done: ${done}`}
    >
      <span class="tile-rate" aria-hidden="true" style={`--rate: ${dropoutRate ?? 0}`} />
      <span class="tile-name">{nickname}</span>
      <span class="tile-state">
        <span aria-hidden="true">{SHAPES[state]}</span> <span class={wording}>{words}</span>
      </span>
      {rate !== null && (
        <span class="tile-reason number">
          <span class={wording}>
            {reason === "" ? say("tile.drops", { rate }) : say("tile.drops-because", { rate, why: reason })}
          </span>
          {isTerse && (
            <span aria-hidden="true">{formatPercent(Math.round(100 * (dropoutRate ?? 0)) / 100)}</span>
          )}
        </span>
      )}
    </li>
  );
}
