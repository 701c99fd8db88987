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
  const drops =
    rate === null
      ? null
      : reason === ""
        ? say("tile.drops", { rate })
        : say("tile.drops-because", { rate, why: reason });
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
      <ShortName name={nickname} class="tile-name" />
      <span class="tile-state">
        <span aria-hidden="true">{SHAPES[state]}</span> {!isTerse && words}
      </span>
      {drops !== null && !isTerse && <span class="tile-reason number">{drops}</span>}
      {dropoutRate !== null && isTerse && (
        <span class="tile-reason number" aria-hidden="true">
          {formatPercent(Math.round(100 * dropoutRate) / 100)}
        </span>
      )}
      {isTerse && (
        <span class="unseen">
          {words} {drops}
        </span>
      )}
    </li>
  );
}
