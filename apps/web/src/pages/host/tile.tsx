/** One device on the stage: its state by colour and shape, its progress, its dropout rate and why. */
import type { ParticipantView } from "@fedlodrop/protocol";
import { formatPercent } from "../../ui/format.ts";

/** A shape for each state, so that colour is never alone; words for those who hear the page. */
const STATES: Readonly<Record<ParticipantView["state"], { readonly shape: string; readonly words: string }>> =
  {
    loading: { shape: "◌", words: "loading" },
    ready: { shape: "●", words: "ready" },
    downloading: { shape: "▼", words: "receiving" },
    training: { shape: "◆", words: "training" },
    uploading: { shape: "▲", words: "sending" },
    waiting: { shape: "✓", words: "done" },
    away: { shape: "○", words: "away" },
    kicked: { shape: "✕", words: "removed" },
  };

interface TileProps {
  readonly participant: ParticipantView;
  readonly reason: string;
}

export function Tile({ participant, reason }: TileProps) {
  const { id, nickname, state, dropoutRate, step, localSteps } = participant;
  const { shape, words } = STATES[state];
  const done = state === "training" && localSteps > 0 ? step / localSteps : state === "uploading" ? 1 : 0;
  const rate = dropoutRate === null ? null : formatPercent(dropoutRate);
  return (
    <li
      class={`tile ${state}`}
      data-testid={`tile-${id}`}
      data-device={id}
      title={`${nickname}: ${words}${rate === null ? "" : `, drops ${rate}`}`}
      style={`--done: ${done}; --rate: ${dropoutRate ?? 0}`}
    >
      <span class="tile-rate" aria-hidden="true" />
      <span class="tile-name">{nickname}</span>
      <span class="tile-state">
        <span aria-hidden="true">{shape}</span> <span class="tile-words">{words}</span>
      </span>
      {rate !== null && (
        <span class="tile-reason number">
          <span class="tile-words">drops </span>
          {rate}
          {reason !== "" && <span class="tile-words">: {reason}</span>}
        </span>
      )}
    </li>
  );
}
