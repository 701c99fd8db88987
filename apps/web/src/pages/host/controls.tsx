/** Where the run is, and the buttons that move it. */
import type { HostCommand } from "@fedlodrop/protocol";
import { roundsInAll } from "@fedlodrop/run";
import { Confirmed } from "../../ui/confirmed.tsx";
import { formatSeconds } from "../../ui/format.ts";
import { RoundPlace } from "../../ui/round-place.tsx";
import { Technical } from "../../ui/technical.tsx";
import { say } from "../../words/words.ts";
import { CommandButton } from "./command-button.tsx";
import { roundShown } from "./comparison.ts";
import type { ReceivedView } from "./connection.ts";
import { countDevices } from "./device-counts.ts";
import { exclusionsInShort } from "./exclusion-words.ts";
import { secondsLeft, useNowMs } from "./seconds-left.ts";

/** Resolves when the coordinator has answered. */
export type Command = (command: HostCommand) => Promise<void>;

export interface CommandProps {
  readonly view: ReceivedView;
  readonly command: Command;
}

/** Where the run is and what moves it, in one bar over the stage. */
export function Controls({ view, command }: CommandProps) {
  const { phase, config, pausing, participants } = view;
  const { ready } = countDevices(participants);
  const running = ["planning", "training", "closing", "evaluating"].includes(phase);
  const isOver = phase === "evaluating" && view.rounds.length >= roundsInAll(config);
  // A lobby that says why it waits has been started, and goes on by itself.
  const armed = phase === "lobby" && view.notice !== null;
  return (
    <section class="controls" aria-label={say("controls.region")}>
      <p class="status" data-testid="status">
        {say(pausing ? "phase.pausing" : `phase.${phase}`)}
      </p>
      <p class="number rounds">
        <RoundPlace config={config} of={roundShown(view)} />
        <Countdown view={view} />
        <progress aria-label={say("controls.done")} max={roundsInAll(config)} value={view.rounds.length} />
      </p>
      <div class="row">
        {phase === "lobby" && !armed && (
          <CommandButton
            command={command}
            ask={{ kind: "start" }}
            primary
            testId="start"
            disabled={ready < config.minParticipants}
          >
            {say("controls.start", { count: ready })}
          </CommandButton>
        )}
        {armed && (
          <CommandButton command={command} ask={{ kind: "pause" }}>
            {say("controls.disarm")}
          </CommandButton>
        )}
        {running && !isOver && (
          <CommandButton command={command} ask={{ kind: "pause" }} disabled={pausing}>
            {say("controls.pause")}
          </CommandButton>
        )}
        {phase === "paused" && (
          <CommandButton command={command} ask={{ kind: "resume" }} primary>
            {say("controls.resume")}
          </CommandButton>
        )}
        {(running || phase === "paused") && (
          <Confirmed question={say("controls.stop-sure")} act={() => command({ kind: "stop" })}>
            {say("controls.stop")}
          </Confirmed>
        )}
      </div>
      {view.notice && (
        <div class="notice" role="status" data-testid="notice">
          <Standstill view={view} />
        </div>
      )}
    </section>
  );
}

function Countdown({ view }: { readonly view: ReceivedView }) {
  const left = secondsLeft(view, useNowMs());
  if (left === null) return null;
  return (
    <>
      {" · "}
      {left > 0 ? say("controls.deadline", { left: formatSeconds(left) }) : say("controls.at-deadline")}
    </>
  );
}

/** Why a run that was started does not go on. */
export function Standstill({
  view: { notice, standstill },
}: {
  readonly view: Pick<ReceivedView, "notice" | "standstill">;
}) {
  switch (standstill?.kind) {
    case "waits-for-devices":
      return <>{say("standstill.waits-for-devices", standstill)}</>;
    case "deserted":
      return <>{say("standstill.deserted", standstill)}</>;
    case "no-sum":
      return (
        <>
          {say("standstill.no-sum", standstill)} <Technical>{notice}</Technical>
        </>
      );
    case "nobody-fits":
      return (
        <>
          {say("standstill.nobody-fits")}
          <ul>
            {exclusionsInShort(standstill.exclusions).map((words) => (
              <li key={words}>{words}</li>
            ))}
          </ul>
          <Technical>{notice}</Technical>
        </>
      );
    case "no-plan":
    case "not-stored":
      return (
        <>
          {say(`standstill.${standstill.kind}`)} <Technical>{notice}</Technical>
        </>
      );
    case undefined:
      return (
        <>
          {say("standstill.unknown")} <Technical>{notice}</Technical>
        </>
      );
    default:
      return standstill satisfies never;
  }
}
