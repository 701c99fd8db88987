/** The run at a glance: the coordinator in the middle, devices around it, sub-adapters travelling. */
import type { ParticipantView } from "@fedlodrop/protocol";
import { armOf, ofArm, turnOf } from "@fedlodrop/run";
import { useMemo, useRef } from "preact/hooks";
import { formatBytes, formatPercent } from "../../ui/format.ts";
import { localeNow, say } from "../../words/words.ts";
import { dropoutWords, roundShown } from "./comparison.ts";
import type { ReceivedView } from "./connection.ts";
import { FULL_ROOM } from "./full-room.ts";
import { Packets } from "./packets.tsx";
import { reasonOf } from "./story.ts";
import { Tile } from "./tile.tsx";
import { type Traffic, trafficOf } from "./traffic.ts";

const MOST_ROWS = 8;
/** What a room's tiles have no place for, the coordinator's box says of all: the reasons that most rates have. */
const REASONS_SHOWN = 3;

export function Stage({ view }: { readonly view: ReceivedView }) {
  const field = useRef<HTMLElement>(null);
  const { participants, rounds, past, phase, config } = view;
  const shown = participants.filter(({ state }) => state !== "kicked");
  const size = shown.length > FULL_ROOM ? "many" : shown.length > 8 ? "some" : "few";
  const half = Math.ceil(shown.length / 2);
  // Neither changes between rounds, and views come several times a second.
  const traffic = useMemo(() => trafficOf(config, rounds, past), [rounds, config, past, localeNow()]);
  // Of a comparison: rates are those of the arm whose turn it is.
  const shownRound = roundShown(view);
  const arm = armOf(shownRound);
  const ofThisArm = useMemo(() => ofArm(rounds, arm), [rounds, arm]);
  const reasons = useMemo(() => new Map<string, string>(), [ofThisArm, localeNow()]);
  const reasonFor = ({ id, dropoutRate }: ParticipantView): string => {
    if (dropoutRate === null) return "";
    const key = `${id} ${dropoutRate}`;
    const known = reasons.get(key) ?? reasonOf(ofThisArm, id, dropoutRate);
    reasons.set(key, known);
    return known;
  };
  // A lesson asks what dropout is for: its answer is not to stand above it.
  const about = view.lesson === null ? dropoutWords(config, arm) : null;
  // Tiles are three times as wide as high, so that names can be read, and eight rows are as many as a small screen has room for.
  const columns = Math.max(1, Math.round(Math.sqrt(half / 3)), Math.ceil(half / MOST_ROWS));
  const side = (devices: typeof shown) => (
    <ul class="tiles" style={`--columns: ${columns}; --rows: ${Math.ceil(half / columns)}`}>
      {devices.map((participant) => (
        <Tile
          key={participant.id}
          participant={participant}
          reason={reasonFor(participant)}
          isTerse={size === "many"}
        />
      ))}
    </ul>
  );
  return (
    <section class="stage" ref={field} aria-label={say("stage.region")} data-size={size}>
      {about !== null && (
        <p class="stage-about" data-testid="stage-about">
          {about}
        </p>
      )}
      {side(shown.slice(0, half))}
      <div class={`coordinator ${phase}`} data-coordinator>
        <strong>{say("stage.coordinator")}</strong>
        <span class="number">
          {phase === "ended"
            ? say("stage.done")
            : say("stage.round", { round: Math.max(1, turnOf(shownRound)) })}
        </span>
        {traffic.sent > 0 && <Saving traffic={traffic} />}
        {size === "many" && <Reasons reasons={shown.map(reasonFor)} />}
      </div>
      {side(shown.slice(half))}
      <Packets
        participants={shown}
        stage={field}
        contents={[about === null ? "" : "about", ...shown.map(({ id }) => id)].join(" ")}
      />
    </section>
  );
}

function Saving({ traffic: { arm, sent, all } }: { readonly traffic: Traffic }) {
  const bytes = { sent: formatBytes(sent), all: formatBytes(all) };
  const saved = { ...bytes, share: formatPercent(1 - sent / all) };
  return (
    <div class="saving">
      <div
        class="saving-bar"
        role="img"
        aria-label={arm === null ? say("stage.saving", bytes) : say("stage.saving-in", { ...bytes, arm })}
        style={`--sent: ${Math.min(1, sent / all)}`}
      />
      <small>
        {sent < all
          ? arm === null
            ? say("stage.saved", saved)
            : say("stage.saved-in", { ...saved, arm })
          : arm === null
            ? say("stage.sent", bytes)
            : say("stage.sent-in", { ...bytes, arm })}
      </small>
    </div>
  );
}

/** Of a room whose tiles are too small to say it: how many devices have their rates for which reason. */
function Reasons({ reasons }: { readonly reasons: readonly string[] }) {
  const counts = new Map<string, number>();
  for (const why of reasons) if (why !== "") counts.set(why, (counts.get(why) ?? 0) + 1);
  const most = [...counts].sort(([, a], [, b]) => b - a).slice(0, REASONS_SHOWN);
  return (
    <>
      {most.map(([why, count]) => (
        <small key={why}>{say("stage.reason", { why, count })}</small>
      ))}
    </>
  );
}
