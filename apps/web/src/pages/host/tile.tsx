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
}

export function Tile({ participant, reason }: TileProps) {
  const { id, nickname, state, dropoutRate, step, localSteps } = participant;
  const words = say(`state.${state}`);
  const done = state === "training" && localSteps > 0 ? step / localSteps : state === "uploading" ? 1 : 0;
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
      style={`--done: ${done}; --rate: ${dropoutRate ?? 0}`}
    >
      <span class="tile-rate" aria-hidden="true" />
      <span class="tile-name">{nickname}</span>
      <span class="tile-state">
        <span aria-hidden="true">{SHAPES[state]}</span> <span class="tile-words">{words}</span>
      </span>
      {rate !== null && (
        <span class="tile-reason number">
          <span class="tile-words">
            {reason === "" ? say("tile.drops", { rate }) : say("tile.drops-because", { rate, why: reason })}
          </span>
          <span class="tile-rate-alone" aria-hidden="true">
            {rate}
          </span>
        </span>
      )}
    </li>
  );
}
