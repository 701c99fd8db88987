/**
 * The host page: `/host#key=…`, as the coordinator prints it. The key goes to the coordinator in the Socket.IO
 * handshake, and with each file that is asked for.
 */
import { effect } from "@preact/signals";
import { render } from "preact";
import { hostWords } from "../../words/host.ts";
import { openWords, say } from "../../words/words.ts";
import { openLesson } from "../lesson/lesson.ts";
import { connectHost } from "./connection.ts";
import { takeHostKey } from "./key.ts";
import { HostPage, KeyMissing } from "./page.tsx";

const root = document.getElementById("app") as HTMLElement;
await openWords(hostWords);
// It has started after all.
root.replaceChildren();

function start(): void {
  const key = takeHostKey();
  if (key) {
    const host = connectHost(key);
    render(<HostPage host={host} lesson={openLesson(host)} />, root);
  } else render(<KeyMissing />, root);
}

effect(() => {
  document.title = say("host.title");
});
start();
// Typing the key into an open page changes the fragment only.
addEventListener("hashchange", () => location.reload());
