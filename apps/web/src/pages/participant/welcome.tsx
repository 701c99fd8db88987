/** Before joining: a name and one button; what happens to texts in one line, the rest for those who ask. */
import { useSignal } from "@preact/signals";
import { formatBytes } from "../../ui/format.ts";
import { OwnTextsBox } from "./own-texts.tsx";
import type { Session } from "./session.ts";
import type { ParticipantState } from "./state.ts";

interface WelcomeProps {
  readonly session: Session;
  readonly offeredNickname: string;
}

export function Welcome({ session, offeredNickname }: WelcomeProps) {
  const { phase, codeWanted, online, modelSize } = session.state.value;
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
        <form class="join" onSubmit={join}>
          <label>
            <span class="field-name">Nickname</span>
            <input
              required
              maxLength={40}
              autocomplete="nickname"
              enterkeyhint="go"
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
                // It is asked for after a tap on Join, which is where the eye was.
                ref={(input) => {
                  if (input && code.peek() === "") input.focus();
                }}
                value={code.value}
                onInput={(event) => {
                  code.value = event.currentTarget.value;
                }}
              />
            </label>
          )}
          {codeWanted !== null && (
            <p class="notice" role="alert" data-testid="code-wanted">
              {codeWanted[0]?.toUpperCase()}
              {codeWanted.slice(1)}.
            </p>
          )}
          <button class="primary" type="submit" data-testid="join-button" disabled={phase !== "welcome"}>
            {phase === "joining" ? "Joining …" : "Join"}
          </button>
          {!online && (
            <p class="notice" role="alert" data-testid="no-answer">
              The coordinator does not answer. Trying again …
            </p>
          )}
        </form>
        <ModelDownload size={modelSize} />
        <p>A text that you bring stays on this device; what is learned from it is sent, as numbers.</p>
        <WhatHappens session={session} />
      </section>
      <div class="narrow">
        <OwnTextsBox session={session} task={null} />
      </div>
    </>
  );
}

/** Said before anything is fetched; before its size is known in as many words, so that nothing jumps. */
function ModelDownload({ size }: { readonly size: ParticipantState["modelSize"] }) {
  const words =
    size === null
      ? "Joining downloads the language model, once; this browser keeps it for the next time."
      : size.missingBytes === 0
        ? `The language model (${formatBytes(size.totalBytes)}) is on this device already; nothing is downloaded.`
        : `Joining downloads the language model, ${formatBytes(size.missingBytes)}; this browser keeps it for the next time.`;
  return <p data-testid="model-download">{words}</p>;
}

function WhatHappens({ session }: { readonly session: Session }) {
  const { choice } = session.state.value;
  return (
    <details>
      <summary>What happens, and what leaves this device</summary>
      <p>
        Your browser and others improve one language model. Each trains a small part of it on texts of its
        own, and the coordinator puts together what they have learned. The host may hand out speeches or
        letters that stand in for private texts; if you bring a text of your own, only this tab reads it.
      </p>
      <div class="columns">
        <div>
          <h3>What is sent</h3>
          <ul>
            <li>the change of the trained numbers, a few hundred kilobytes each round</li>
            <li>how long that took, how many mistakes were made, and an estimate of the energy</li>
            <li>your nickname, and which kind of device this is</li>
          </ul>
        </div>
        <div>
          <h3>What is not</h3>
          <ul>
            <li>a text that you bring</li>
            <li>anything else on your device: the page sees nothing of it</li>
          </ul>
        </div>
      </div>
      <h3>This device</h3>
      <p data-testid="device-check">{choice ? choice.reason : "Looking at what it can do …"}</p>
      <p>You may close or reload this page at any time; you come back as the same device.</p>
    </details>
  );
}
