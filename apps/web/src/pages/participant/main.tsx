/**
 * The participant page.
 *
 * For automation, the address may say `?join` (join at once), `nickname=…` and `backend=webgpu|wasm|cpu`,
 * and its fragment `#code=…` (the room's). The state is
 * mirrored on <html>: `data-state` (checking, welcome, joining; once joined loading, ready, downloading, training,
 * uploading, waiting, away, ended, kicked; or error), `data-participant-id`, `data-backend`, `data-backend-reason`,
 * `data-round`, `data-error`; and in `window.fedlodrop`, a frozen `PageSnapshot`,
 * replaced when the state has changed: at once, and several times a second at most while a round goes on.
 */
import { effect } from "@preact/signals";
import { render } from "preact";
import { tabStorage } from "../../ui/browser-storage.ts";
import { Technical } from "../../ui/technical.tsx";
import { participantWords } from "../../words/participant.ts";
import { openWords, say } from "../../words/words.ts";
import { type PageAddress, readAddress, UnknownBackendError } from "./address.ts";
import { mirror } from "./mirror.ts";
import { nickname, visibleNickname } from "./nickname.ts";
import { ParticipantPage } from "./page.tsx";
import { Plain } from "./plain-screen.tsx";
import { titleOf } from "./screen.ts";
import { startSession } from "./session.ts";

const NICKNAME_KEY = "fedlodrop.nickname";
const root = document.getElementById("app") as HTMLElement;
await openWords(participantWords);
// It has started after all.
root.replaceChildren();

function start(address: PageAddress): void {
  const session = startSession(address);
  const storage = tabStorage();
  const remembered = storage.getItem(NICKNAME_KEY);
  const madeUp = nickname(crypto.getRandomValues(new Uint32Array(2)));
  const offered = visibleNickname(address.nickname ?? "") ?? remembered ?? madeUp;
  effect(() => {
    const { nickname: joinedAs } = session.state.value;
    mirror(session.state.value);
    document.title = titleOf(session.state.value);
    if (joinedAs !== null) storage.setItem(NICKNAME_KEY, joinedAs);
  });
  // A tab that had joined before its reload goes on without another tap.
  if (address.joinAtOnce || remembered !== null) {
    const stop = effect(() => {
      if (session.state.value.phase !== "welcome") return;
      queueMicrotask(() => {
        stop();
        session.join(offered);
      });
    });
  }
  render(<ParticipantPage session={session} offeredNickname={offered} madeUpNickname={madeUp} />, root);
}

try {
  start(readAddress(new URLSearchParams(location.search), new URLSearchParams(location.hash.slice(1))));
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  Object.assign(document.documentElement.dataset, { state: "error", error: message });
  render(
    <>
      <header class="top">
        <h1>FedLoDrop</h1>
      </header>
      <main>
        <Plain heading={say("not-starting")} testId="not-starting">
          <p>
            {error instanceof UnknownBackendError
              ? say("not-starting.backend", { backend: error.backend })
              : say("not-starting.else")}
          </p>
          <Technical>{message}</Technical>
        </Plain>
      </main>
    </>,
    root,
  );
}
