/** Before joining: a name and one button; what happens to texts in one line, the rest for those who ask. */
import { useSignal } from "@preact/signals";
import { focusWhenEmpty } from "../../ui/focus.ts";
import { formatBytes } from "../../ui/format.ts";
import { say } from "../../words/words.ts";
import { backendWords } from "./backend-words.ts";
import { visibleNickname } from "./nickname.ts";
import { OwnTextsBox } from "./own-texts.tsx";
import { promiseWords } from "./promise-words.ts";
import type { Session } from "./session.ts";
import type { ParticipantState } from "./state.ts";

export interface WelcomeProps {
  readonly session: Session;
  readonly offeredNickname: string;
  /** For who would rather have no name. */
  readonly madeUpNickname: string;
}

export function Welcome({ session, offeredNickname, madeUpNickname }: WelcomeProps) {
  const { phase, codeWanted, online, modelSize, promises } = session.state.value;
  const nickname = useSignal(offeredNickname);
  const code = useSignal("");
  const join = (event: Event): void => {
    event.preventDefault();
    session.join(
      visibleNickname(nickname.value) ?? madeUpNickname,
      code.value === "" ? undefined : code.value,
    );
  };
  return (
    <>
      <section class="card narrow">
        <h2>{say("join.title")}</h2>
        <form class="join" onSubmit={join}>
          <label>
            <span class="field-name">{say("join.nickname")}</span>
            <input
              maxLength={40}
              placeholder={madeUpNickname}
              autocomplete="nickname"
              enterkeyhint="go"
              value={nickname.value}
              onInput={(event) => {
                nickname.value = event.currentTarget.value;
              }}
              onChange={() => {
                // Then the name is seen that it joins with.
                if (visibleNickname(nickname.value) === null) nickname.value = "";
              }}
            />
          </label>
          {codeWanted !== null && (
            <label>
              <span class="field-name">{say("join.code")}</span>
              <input
                required
                maxLength={64}
                autocomplete="off"
                autocapitalize="characters"
                spellcheck={false}
                data-testid="room-code"
                // It is asked for after a tap on Join, which is where the eye was.
                ref={focusWhenEmpty}
                value={code.value}
                onInput={(event) => {
                  code.value = event.currentTarget.value;
                }}
              />
            </label>
          )}
          {codeWanted !== null && (
            <p class="notice" role="alert" data-testid="code-wanted">
              {say(`join.code-${codeWanted}`)}
            </p>
          )}
          <button class="primary" type="submit" data-testid="join-button" disabled={phase !== "welcome"}>
            {say(phase === "joining" ? "joining" : "join")}
          </button>
          {!online && (
            <p class="notice" role="alert" data-testid="no-answer">
              {say("join.no-answer")}
            </p>
          )}
        </form>
        <ModelDownload size={modelSize} />
        {!globalThis.isSecureContext && (
          <p class="muted" data-testid="plain-http">
            {say("join.plain-http")}
          </p>
        )}
        <p>{say("join.promise")}</p>
        <p data-testid="promises">{promiseWords(promises)}</p>
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
      ? say("download.unknown")
      : size.missingBytes === 0
        ? say("download.none", { size: formatBytes(size.totalBytes) })
        : say("download.some", { size: formatBytes(size.missingBytes) });
  return <p data-testid="model-download">{words}</p>;
}

function WhatHappens({ session }: { readonly session: Session }) {
  const { choice } = session.state.value;
  return (
    <details>
      <summary>{say("what.title")}</summary>
      <p>{say("what.happens")}</p>
      <div class="columns">
        <div>
          <h3>{say("what.sent")}</h3>
          <ul>
            <li>{say("what.sent.numbers")}</li>
            <li>{say("what.sent.figures")}</li>
            <li>{say("what.sent.device")}</li>
          </ul>
        </div>
        <div>
          <h3>{say("what.not")}</h3>
          <ul>
            <li>{say("what.not.text")}</li>
            <li>{say("what.not.else")}</li>
          </ul>
        </div>
      </div>
      <h3>{say("what.device")}</h3>
      <p data-testid="device-check">{backendWords(choice) ?? say("what.looking")}</p>
      <p>{say("what.reload")}</p>
    </details>
  );
}
