/** Before the first round: how to join, big enough for the last row, and who is here. */

import { isPlainHttp } from "../../ui/plain-http.ts";
import { rich, say } from "../../words/words.ts";
import { dropoutAhead } from "./comparison.ts";
import type { ReceivedView } from "./connection.ts";
import type { Command } from "./controls.tsx";
import { countDevices } from "./device-counts.ts";
import { QrCode } from "./qr-code.tsx";
import { shortAddress } from "./short-address.ts";
import { SideBySide } from "./side-by-side.tsx";

interface LobbyProps {
  readonly view: ReceivedView;
  readonly command?: Command;
}

export function Lobby({ view, command }: LobbyProps) {
  const { joinUrl, participants, access, config, notice } = view;
  const { joined, ready } = countDevices(participants);
  const about = dropoutAhead(config);
  return (
    <main class="lobby" aria-label={say("lobby.region")}>
      <QrCode text={joinUrl} />
      <div class="lobby-words">
        <p class="lobby-step">{say("lobby.camera")}</p>
        <a class="lobby-address" href={joinUrl} data-testid="join-url">
          {shortAddress(joinUrl)}
        </a>
        {access.roomCode !== null && (
          <p class="lobby-step">
            {rich("lobby.code", { code: <span class="lobby-code code">{access.roomCode}</span> })}
          </p>
        )}
        <p class="lobby-count">
          {rich("lobby.count", {
            joined: <strong class="number">{joined}</strong>,
            ready: <strong class="number">{ready}</strong>,
          })}
        </p>
        {participants.length > 0 && <Names participants={participants} isMany={joined > 24} />}
        {command && notice === null && <SideBySide config={config} command={command} />}
        {isShared(participants) && (
          <p class="muted" data-testid="shared-parts">
            {say("lobby.shared", { count: config.devices })}
          </p>
        )}
        {joined === 0 && <p class="muted">{say("lobby.four")}</p>}
        {isPlainHttp(joinUrl) && (
          <p class="muted" data-testid="plain-http">
            {say("lobby.plain-http")}
          </p>
        )}
      </div>
      {about !== null && <p class="lobby-about">{about}</p>}
    </main>
  );
}

/** Of those who are ready, two have the same part; own texts are nobody's part. */
function isShared(participants: ReceivedView["participants"]): boolean {
  const parts = participants.flatMap(({ state, deviceName }) =>
    state === "ready" ? (deviceName ?? []) : [],
  );
  return new Set(parts).size < parts.length;
}

function Names({ participants, isMany }: Pick<ReceivedView, "participants"> & { readonly isMany: boolean }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: without it keys could not scroll the names.
    <section class="names" data-size={isMany ? "many" : "few"} aria-label={say("lobby.names")} tabIndex={0}>
      <ul>
        {participants
          .filter(({ state }) => state !== "kicked")
          .map(({ id, nickname, state }) => (
            <li key={id} class={`name ${state}`}>
              {nickname}
              {(state === "loading" || state === "away") && <small> {say(`lobby.${state}`)}</small>}
            </li>
          ))}
      </ul>
    </section>
  );
}
