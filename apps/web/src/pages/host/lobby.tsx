/** Before the first round: how to join, big enough for the last row, and who is here. */
import type { ReceivedView } from "./connection.ts";
import { countDevices } from "./device-counts.ts";
import { QrCode } from "./qr-code.tsx";

export function Lobby({ view }: { readonly view: ReceivedView }) {
  const { joinUrl, participants, access, config } = view;
  const { joined, ready } = countDevices(participants);
  return (
    <main class="lobby" aria-label="How to join">
      <QrCode text={joinUrl} />
      <div class="lobby-words">
        <p class="lobby-step">Open the camera, or type</p>
        <a class="lobby-address" href={joinUrl} data-testid="join-url">
          {shortAddress(joinUrl)}
        </a>
        {access.roomCode !== null && (
          <p class="lobby-step">
            Room code <span class="lobby-code code">{access.roomCode}</span>
          </p>
        )}
        <p class="lobby-count" role="status">
          <strong class="number">{joined}</strong> joined, <strong class="number">{ready}</strong> ready
        </p>
        <ul class="names" data-size={joined > 24 ? "many" : "few"} aria-label="Devices that have joined">
          {participants
            .filter(({ state }) => state !== "kicked")
            .map(({ id, nickname, state }) => (
              <li key={id} class={`name ${state}`}>
                {nickname}
                {state === "loading" && <small> loading</small>}
                {state === "away" && <small> away</small>}
              </li>
            ))}
        </ul>
        {joined > config.devices && (
          <p class="muted" data-testid="shared-parts">
            The texts were dealt into {config.devices} parts: some devices share one.
          </p>
        )}
        {joined === 0 && <p class="muted">It works best with four devices or more.</p>}
      </div>
    </main>
  );
}

/** As people type it. */
const shortAddress = (url: string): string => url.replace(/^http:\/\//, "").replace(/\/$/, "");
