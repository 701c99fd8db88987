/** Where the run is, and the buttons that move it. */
import type { HostCommand, HostView } from "@fedlodrop/protocol";
import { armOf, nextTurn, roundsInAll, termsOf } from "@fedlodrop/run";
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Confirmed } from "../../ui/confirmed.tsx";
import { formatSeconds } from "../../ui/format.ts";
import { titleOf } from "./comparison.ts";
import type { ReceivedView } from "./connection.ts";
import { countDevices } from "./device-counts.ts";

export interface CommandProps {
  readonly view: ReceivedView;
  readonly command: (command: HostCommand) => void;
}

const PHASES: Readonly<Record<HostView["phase"], string>> = {
  lobby: "Lobby: devices may join",
  training: "Devices are training",
  closing: "Averaging what the devices learned",
  evaluating: "Checking the combined model",
  planning: "Choosing the next round's dropout rates",
  paused: "Paused",
  ended: "The run is over",
};

/** Where the run is and what moves it, in one bar over the stage. */
export function Controls({ view, command }: CommandProps) {
  const { phase, round, config, pausing, participants } = view;
  const { ready } = countDevices(participants);
  const running = ["planning", "training", "closing", "evaluating"].includes(phase);
  // A lobby that says why it waits has been started, and goes on by itself.
  const armed = phase === "lobby" && view.notice !== null;
  return (
    <section class="controls" aria-label="Run">
      <p class="status" role="status" data-testid="status">
        {pausing ? "Pausing after this round" : PHASES[phase]}
      </p>
      <p class="number rounds">
        Round <span data-testid="round">{round}</span> of {roundsInAll(config)}
        {config.compareWith !== null && round > 0 && `, ${titleOf(termsOf(config, armShown(view)))}`}
        <Countdown view={view} />
        <progress aria-label="Rounds done" max={roundsInAll(config)} value={view.rounds.length} />
      </p>
      <div class="row">
        {phase === "lobby" && !armed && (
          <button
            type="button"
            class="primary"
            data-testid="start"
            disabled={ready < config.minParticipants}
            onClick={() => command({ kind: "start" })}
          >
            Start with {ready} {ready === 1 ? "device" : "devices"}
          </button>
        )}
        {armed && (
          <button type="button" onClick={() => command({ kind: "pause" })}>
            Do not start yet
          </button>
        )}
        {running && (
          <button type="button" disabled={pausing} onClick={() => command({ kind: "pause" })}>
            Pause
          </button>
        )}
        {phase === "paused" && (
          <button type="button" class="primary" onClick={() => command({ kind: "resume" })}>
            Resume
          </button>
        )}
        {(running || phase === "paused") && (
          <Confirmed question="End the run for good?" act={() => command({ kind: "stop" })}>
            Stop
          </Confirmed>
        )}
      </div>
      {view.notice && (
        <p class="notice" role="status" data-testid="notice">
          {view.notice[0]?.toUpperCase()}
          {view.notice.slice(1)}.
        </p>
      )}
    </section>
  );
}

/** Of the round that is open or to come, or else of the last one. */
const armShown = ({ config, round, rounds }: ReceivedView) =>
  armOf(rounds[round - 1] ?? { turn: nextTurn(config, rounds) });

function Countdown({ view: { secondsToDeadline, receivedAtMs } }: { readonly view: ReceivedView }) {
  const nowMs = useSignal(receivedAtMs);
  useEffect(() => {
    const timer = setInterval(() => {
      nowMs.value = performance.now();
    }, 1000);
    return () => clearInterval(timer);
  }, [nowMs]);
  if (secondsToDeadline === null) return null;
  const left = secondsToDeadline - Math.max(0, nowMs.value - receivedAtMs) / 1000;
  return <>, {left > 0 ? `${formatSeconds(Math.ceil(left))} to the deadline` : "at its deadline"}</>;
}
