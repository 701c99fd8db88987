/** Where the run is, and the buttons that move it. */
import type { HostCommand, HostView } from "@fedlodrop/protocol";
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { formatSeconds } from "../../ui/format.ts";
import type { ReceivedView } from "./connection.ts";

export interface CommandProps {
  readonly view: ReceivedView;
  readonly command: (command: HostCommand) => void;
}

const PHASES: Readonly<Record<HostView["phase"], string>> = {
  lobby: "Lobby: devices may join",
  training: "Devices are training",
  closing: "Averaging what the devices learned",
  evaluating: "Measuring the averaged model",
  planning: "Choosing the next round's dropout rates",
  paused: "Paused",
  ended: "The run is over",
};

export function Controls({ view, command }: CommandProps) {
  const { phase, round, config, pausing, participants, availableTasks } = view;
  const task = availableTasks.find(({ name }) => name === config.task)?.title ?? config.task;
  const ready = participants.filter(({ state }) => !["loading", "away", "kicked"].includes(state)).length;
  const running = ["planning", "training", "closing", "evaluating"].includes(phase);
  return (
    <section class="card">
      <div class="row between">
        <p class="status" role="status" data-testid="status">
          {pausing ? "Pausing after this round" : PHASES[phase]}
        </p>
        <p class="number">
          Round <span data-testid="round">{round}</span> of {config.rounds}
          <Countdown view={view} />
        </p>
      </div>
      {view.notice && (
        <p class="notice" role="status" data-testid="notice">
          {view.notice[0]?.toUpperCase()}
          {view.notice.slice(1)}.
        </p>
      )}
      <progress aria-label="Rounds done" max={config.rounds} value={view.rounds.length} />
      <div class="row">
        {phase === "lobby" && (
          <button
            type="button"
            class="primary"
            data-testid="start"
            disabled={view.notice !== null}
            onClick={() => command({ kind: "start" })}
          >
            Start
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
          <button type="button" onClick={() => command({ kind: "stop" })}>
            Stop
          </button>
        )}
        <label class="check">
          <input
            type="checkbox"
            checked={view.locked}
            onChange={(event) => command({ kind: "lock", locked: event.currentTarget.checked })}
          />
          No new devices
        </label>
      </div>
      <small>
        Task: {task}. {ready} of {participants.length} devices ready; a round starts with at least{" "}
        {config.minParticipants}.
      </small>
    </section>
  );
}

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
