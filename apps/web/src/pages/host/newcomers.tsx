/** What newcomers need to come in, and those who wait for the host's word. */

import { rich, say } from "../../words/words.ts";
import type { CommandProps } from "./controls.tsx";

export function Newcomers({ view: { access, participants }, command }: CommandProps) {
  const { roomCode, approval, waiting } = access;
  const nameOf = (id: string): string => participants.find((one) => one.id === id)?.nickname ?? id;
  return (
    <section class="card" data-testid="newcomers">
      <h2>{say("newcomers.title")}</h2>
      <label class="check">
        <input
          type="checkbox"
          data-testid="wants-code"
          checked={roomCode !== null}
          onChange={(event) => command({ kind: "room-code", wanted: event.currentTarget.checked })}
        />
        {say("newcomers.code")}
      </label>
      <label class="check">
        <input
          type="checkbox"
          data-testid="wants-approval"
          checked={approval}
          onChange={(event) => command({ kind: "require-approval", required: event.currentTarget.checked })}
        />
        {say("newcomers.approval")}
      </label>
      {roomCode !== null && (
        <p>
          {rich("lobby.code", {
            code: (
              <span class="code" data-testid="room-code">
                {roomCode}
              </span>
            ),
          })}
        </p>
      )}
      {waiting.map(({ id, nickname, sameAddressAs }) => (
        <div class="row between" key={id} data-testid="waiting">
          <span>
            {rich("newcomers.asks", { nickname: <bdi>{nickname}</bdi> })}
            {sameAddressAs !== null && (
              <small> {rich("newcomers.removed", { nickname: <bdi>{nameOf(sameAddressAs)}</bdi> })}</small>
            )}
          </span>
          <span class="row">
            <button
              type="button"
              class="primary"
              onClick={() => command({ kind: "admit", waitingId: id, allowed: true })}
            >
              {say("newcomers.let-in")}
            </button>
            <button type="button" onClick={() => command({ kind: "admit", waitingId: id, allowed: false })}>
              {say("newcomers.refuse")}
            </button>
          </span>
        </div>
      ))}
    </section>
  );
}
