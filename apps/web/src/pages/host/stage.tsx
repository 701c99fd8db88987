/** The run at a glance: the coordinator in the middle, devices around it, sub-adapters travelling. */
import { useRef } from "preact/hooks";
import { formatBytes, formatPercent } from "../../ui/format.ts";
import type { ReceivedView } from "./connection.ts";
import { Packets } from "./packets.tsx";
import { reasonOf } from "./story.ts";
import { Tile } from "./tile.tsx";
import { byteTotals } from "./totals.ts";

export function Stage({ view }: { readonly view: ReceivedView }) {
  const field = useRef<HTMLElement>(null);
  const { participants, rounds, phase, round, config } = view;
  const shown = participants.filter(({ state }) => state !== "kicked");
  const half = Math.ceil(shown.length / 2);
  const { down, up, withoutDropout } = byteTotals(rounds, config.valueType);
  const sent = down + up;
  // Nearly square fields: tiles are about twice as wide as high.
  const columns = Math.max(1, Math.round(Math.sqrt(half / 2)));
  const side = (devices: typeof shown) => (
    <ul class="tiles" style={`--columns: ${columns}`}>
      {devices.map((participant) => (
        <Tile key={participant.id} participant={participant} reason={reasonOf(rounds, participant.id)} />
      ))}
    </ul>
  );
  return (
    <section
      class="stage"
      ref={field}
      aria-label="Devices and coordinator"
      data-size={shown.length > 24 ? "many" : shown.length > 8 ? "some" : "few"}
    >
      {side(shown.slice(0, half))}
      <div class={`coordinator ${phase}`} data-coordinator>
        <strong>Coordinator</strong>
        <span class="number">{phase === "ended" ? "done" : `round ${Math.max(1, round)}`}</span>
        {sent > 0 && (
          <div class="saving">
            <div
              class="saving-bar"
              role="img"
              aria-label={`Sent ${formatBytes(sent)} of the ${formatBytes(withoutDropout)} it would have been without dropout`}
              style={`--sent: ${Math.min(1, sent / withoutDropout)}`}
            />
            <small>
              {formatBytes(sent)} of {formatBytes(withoutDropout)} sent
              {sent < withoutDropout && `, ${formatPercent(1 - sent / withoutDropout)} saved`}
            </small>
          </div>
        )}
      </div>
      {side(shown.slice(half))}
      <Packets participants={shown} stage={field} />
    </section>
  );
}
