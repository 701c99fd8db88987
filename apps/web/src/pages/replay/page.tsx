/** A finished run in the host's own screens, with the controls of a player in place of the run's. */
import { roundsInAll } from "@fedlodrop/run";
import { formatSeconds } from "../../ui/format.ts";
import { Scene } from "../host/scene.tsx";
import { type Player, SPEEDS } from "./player.ts";
import { durationOf, viewAt } from "./view-at.ts";

export function ReplayPage({ player }: { readonly player: Player }) {
  const { report, seconds, playing, speed } = player;
  const view = viewAt(report, seconds.value);
  const duration = durationOf(report);
  return (
    <div class="host replay">
      <header class="host-top">
        <h1>
          FedLoDrop <span>replay</span>
        </h1>
        <section class="controls" aria-label="Player">
          <div class="row">
            <button type="button" aria-label="A round back" onClick={() => player.step(-1)}>
              ◀◀
            </button>
            <button
              type="button"
              class="primary"
              data-testid="play"
              onClick={() => (playing.value ? player.pause() : player.play())}
            >
              {playing.value ? "Pause" : "Play"}
            </button>
            <button type="button" aria-label="A round on" data-testid="next" onClick={() => player.step(1)}>
              ▶▶
            </button>
          </div>
          <label class="rounds">
            <span class="number">
              Round <span data-testid="round">{view.round}</span> of{" "}
              {Math.min(roundsInAll(report.config), report.rounds.length)},{" "}
              {formatSeconds(Math.floor(seconds.value))} of {formatSeconds(Math.ceil(duration))}
            </span>
            <input
              type="range"
              min={0}
              max={duration}
              step="any"
              value={seconds.value}
              aria-label="Moment of the run"
              aria-valuetext={`round ${view.round}`}
              data-testid="moment"
              onInput={({ currentTarget }) => player.goTo(currentTarget.valueAsNumber)}
            />
          </label>
          <label class="speed">
            <span>Speed</span>
            <select
              value={speed.value}
              data-testid="speed"
              onChange={({ currentTarget }) => player.setSpeed(Number(currentTarget.value))}
            >
              {SPEEDS.map((each) => (
                <option key={each} value={each}>
                  × {each}
                </option>
              ))}
            </select>
          </label>
        </section>
      </header>
      <div class="host-body">
        <Scene view={view} hostKey={null} />
      </div>
    </div>
  );
}
