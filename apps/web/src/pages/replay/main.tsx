/** The replay page, as `fedlodrop replay` serves it: the report of a finished run, played in the host's screens. */
import type { RunReport } from "@fedlodrop/run";
import { render } from "preact";
import { ReplayPage } from "./page.tsx";
import { openPlayer } from "./player.ts";

const root = document.getElementById("app") as HTMLElement;
// It has started after all.
root.replaceChildren();

const response = await fetch("replay.json");
if (response.ok) {
  const player = openPlayer((await response.json()) as RunReport);
  render(<ReplayPage player={player} />, root);
  player.play();
} else {
  render(
    <main>
      <section class="card narrow">
        <h1>FedLoDrop: replay</h1>
        <p class="notice bad" role="alert">
          There is no run to play here. Start one with: fedlodrop replay, and the folder of a finished run.
        </p>
      </section>
    </main>,
    root,
  );
}
