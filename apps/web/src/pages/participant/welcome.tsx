/** Before joining: what will happen, what leaves the device, what the device can do. */
import { useSignal } from "@preact/signals";
import { OwnTextsBox } from "./own-texts.tsx";
import type { Session } from "./session.ts";

interface WelcomeProps {
  readonly session: Session;
  readonly offeredNickname: string;
}

export function Welcome({ session, offeredNickname }: WelcomeProps) {
  const { phase, choice, codeWanted } = session.state.value;
  const nickname = useSignal(offeredNickname);
  const code = useSignal("");
  const join = (event: Event): void => {
    event.preventDefault();
    session.join(nickname.value.trim(), code.value === "" ? undefined : code.value);
  };
  return (
    <>
      <section class="card narrow">
        <h2>Train a language model together</h2>
        <p>
          Your browser and others fine-tune one model. Each trains a small part of it on its own texts, and
          the coordinator averages what they learned.
        </p>
        <div class="columns">
          <div>
            <h3>What leaves this device</h3>
            <ul>
              <li>the change of the trained numbers, a few hundred kilobytes each round</li>
              <li>how long that took, the loss, and an estimate of the energy</li>
              <li>the nickname, and which kind of device this is</li>
            </ul>
          </div>
          <div>
            <h3>What never leaves it</h3>
            <ul>
              <li>the texts it trains on, also those you bring yourself</li>
              <li>anything else on your device: the page sees nothing of it</li>
            </ul>
          </div>
        </div>
        <div>
          <h3>This device</h3>
          <p data-testid="device-check">{choice ? choice.reason : "Looking at what it can do …"}</p>
        </div>
        <form class="row" onSubmit={join}>
          <label>
            <span class="field-name">Nickname</span>
            <input
              required
              maxLength={40}
              autocomplete="nickname"
              value={nickname.value}
              onInput={(event) => {
                nickname.value = event.currentTarget.value;
              }}
            />
          </label>
          {codeWanted !== null && (
            <label>
              <span class="field-name">Room code</span>
              <input
                required
                maxLength={64}
                autocomplete="off"
                autocapitalize="characters"
                spellcheck={false}
                data-testid="room-code"
                value={code.value}
                onInput={(event) => {
                  code.value = event.currentTarget.value;
                }}
              />
            </label>
          )}
          <button class="primary" type="submit" data-testid="join-button" disabled={phase !== "welcome"}>
            {phase === "joining" ? "Joining …" : "Join"}
          </button>
        </form>
        {codeWanted !== null && (
          <p class="notice" role="alert" data-testid="code-wanted">
            {codeWanted[0]?.toUpperCase()}
            {codeWanted.slice(1)}.
          </p>
        )}
        <small>You may close or reload this page at any time; you come back as the same device.</small>
      </section>
      <div class="narrow" style="grid-column: span 12">
        <OwnTextsBox session={session} task={null} />
      </div>
    </>
  );
}
