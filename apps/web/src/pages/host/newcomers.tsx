/** What newcomers need to come in, and those who wait for the host's word. */
import type { CommandProps } from "./controls.tsx";

export function Newcomers({ view: { access, participants }, command }: CommandProps) {
  const { roomCode, approval, waiting } = access;
  const nameOf = (id: string): string => participants.find((one) => one.id === id)?.nickname ?? id;
  return (
    <section class="card" data-testid="newcomers">
      <h2>Newcomers</h2>
      <label class="check">
        <input
          type="checkbox"
          data-testid="wants-code"
          checked={roomCode !== null}
          onChange={(event) => command({ kind: "room-code", wanted: event.currentTarget.checked })}
        />
        need the room code
      </label>
      <label class="check">
        <input
          type="checkbox"
          data-testid="wants-approval"
          checked={approval}
          onChange={(event) => command({ kind: "require-approval", required: event.currentTarget.checked })}
        />
        wait until you let them in
      </label>
      {roomCode !== null && (
        <p>
          Room code{" "}
          <span class="code" data-testid="room-code">
            {roomCode}
          </span>
        </p>
      )}
      {waiting.map(({ id, nickname, sameAddressAs }) => (
        <div class="row between" key={id} data-testid="waiting">
          <span>
            <bdi>{nickname}</bdi> asks to come in
            {sameAddressAs !== null && (
              <small>
                {" "}
                (from the network of <bdi>{nameOf(sameAddressAs)}</bdi>, whom you removed)
              </small>
            )}
          </span>
          <span class="row">
            <button
              type="button"
              class="primary"
              onClick={() => command({ kind: "admit", waitingId: id, allowed: true })}
            >
              Let in
            </button>
            <button type="button" onClick={() => command({ kind: "admit", waitingId: id, allowed: false })}>
              Refuse
            </button>
          </span>
        </div>
      ))}
    </section>
  );
}
