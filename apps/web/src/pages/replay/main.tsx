/** The replay page, as `fedlodrop replay` serves it: the report of a finished run, played in the host's screens. */
import type { RunReport } from "@fedlodrop/run";
import { effect } from "@preact/signals";
import { render } from "preact";
import { replayWords } from "../../words/replay.ts";
import { openWords, say } from "../../words/words.ts";
import { ReplayPage } from "./page.tsx";
import { openPlayer } from "./player.ts";

const root = document.getElementById("app") as HTMLElement;
await openWords(replayWords);
// It has started after all.
root.replaceChildren();

effect(() => {
  document.title = say("replay.title");
});

/** Null also where the command has ended meanwhile, or serves half a file. */
const report = await fetch("replay.json")
  .then(async (response) => (response.ok ? ((await response.json()) as RunReport) : null))
  .catch(() => null);
if (report !== null) {
  const player = openPlayer(report);
  render(<ReplayPage player={player} />, root);
  player.play();
} else {
  render(
    <main>
      <section class="card narrow">
        <h1>{say("replay.title")}</h1>
        <p class="notice bad" role="alert">
          {say("replay.none")}
        </p>
      </section>
    </main>,
    root,
  );
}
