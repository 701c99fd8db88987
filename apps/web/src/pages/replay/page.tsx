/** A finished run in the host's own screens, with the controls of a player in place of the run's. */
import { turnOf } from "@fedlodrop/run";
import { useMemo } from "preact/hooks";
import { formatSeconds } from "../../ui/format.ts";
import { LanguageSwitch } from "../../ui/language-switch.tsx";
import { RoundPlace } from "../../ui/round-place.tsx";
import { rich, say } from "../../words/words.ts";
import { Announced } from "../host/announced.tsx";
import { roundShown } from "../host/comparison.ts";
import { Scene } from "../host/scene.tsx";
import { type Player, SPEEDS } from "./player.ts";
import { durationOf, viewAt } from "./view-at.ts";

export function ReplayPage({ player }: { readonly player: Player }) {
  const { report, seconds, playing, speed } = player;
  const now = viewAt(report, seconds.value);
  // Between rounds the same ones: what shows them alone is not drawn again.
  const rounds = useMemo(() => now.rounds, [report, now.rounds.length]);
  const view = { ...now, rounds };
  const duration = durationOf(report);
  const shown = roundShown(view);
  // It may have been stopped.
  const most = Math.max(0, ...report.rounds.map(turnOf));
  return (
    <div class="host replay">
      <header class="host-top">
        <h1>
          FedLoDrop <span>{say("replay.heading")}</span>
        </h1>
        <section class="controls" aria-label={say("replay.player")}>
          <div class="row">
            <button type="button" aria-label={say("replay.round-back")} onClick={() => player.step(-1)}>
              ◀◀
            </button>
            <button
              type="button"
              class="primary"
              data-testid="play"
              onClick={() => (playing.value ? player.pause() : player.play())}
            >
              {say(playing.value ? "controls.pause" : "replay.play")}
            </button>
            <button
              type="button"
              aria-label={say("replay.round-on")}
              data-testid="next"
              onClick={() => player.step(1)}
            >
              ▶▶
            </button>
          </div>
          <label class="rounds">
            <span class="number">
              {rich("replay.position", {
                rounds: <RoundPlace config={report.config} of={shown} rounds={most} />,
                at: formatSeconds(Math.floor(seconds.value)),
                all: formatSeconds(Math.ceil(duration)),
              })}
            </span>
            <input
              type="range"
              min={0}
              max={duration}
              step="any"
              value={seconds.value}
              aria-label={say("replay.moment")}
              aria-valuetext={say("replay.at-round", { round: turnOf(shown) })}
              data-testid="moment"
              onInput={({ currentTarget }) => player.goTo(currentTarget.valueAsNumber)}
            />
          </label>
          <label class="speed">
            <span>{say("replay.speed")}</span>
            <select
              value={speed.value}
              data-testid="speed"
              onChange={({ currentTarget }) => player.setSpeed(Number(currentTarget.value))}
            >
              {SPEEDS.map((each) => (
                <option key={each} value={each}>
                  {say("replay.times", { speed: each })}
                </option>
              ))}
            </select>
          </label>
        </section>
        <LanguageSwitch />
      </header>
      <Announced view={view} />
      <div class="host-body">
        <Scene view={view} hostKey={null} />
      </div>
    </div>
  );
}
