/** For presenters: do to one device what happens to devices, and see that the run goes on. */
import type { Fault } from "@fedlodrop/protocol";
import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { formatSeconds } from "../../ui/format.ts";
import { say } from "../../words/words.ts";
import {
  comingBack,
  type Inflicted,
  isLasting,
  nameOf,
  observed,
  roundThatWaits,
  whatCameOfIt,
} from "./chaos.ts";
import type { CommandProps } from "./controls.tsx";
import { secondsLeft, useNowMs } from "./seconds-left.ts";

const FAULTS = ["freeze", "slow", "cut", "kill"] as const satisfies readonly Fault[];
/** Older ones leave the list. */
const MOST_SHOWN = 6;

interface ChaosPanelProps extends CommandProps {
  /** The newest first; it outlives the panel, since what lasts has to be undone. */
  readonly done: Signal<readonly Inflicted[]>;
}

export function ChaosPanel({ view, command, done }: ChaosPanelProps) {
  const { participants, rounds, runId } = view;
  const chosen = useSignal<string | null>(null);
  useEffect(() => {
    const seen = done.value.map((each) => observed(each, participants));
    if (seen.some((each, place) => each !== done.value[place])) done.value = seen;
  }, [done, participants]);
  const here = participants.filter(({ state }) => state !== "away" && state !== "kicked");
  const device = here.find(({ id }) => id === chosen.value) ?? here[0];
  const lifted = (each: Inflicted): Inflicted => ({
    ...each,
    roundsUntil: each.roundsUntil ?? rounds.length,
  });
  const inflict = (fault: Fault): void => {
    if (device === undefined) return;
    const { id } = device;
    command({ kind: "chaos", participantId: id, fault });
    const fresh: Inflicted = {
      ...{ id, name: nameOf(device, participants), fault, runId, atMs: performance.now() },
      ...{ roundsBefore: rounds.length, roundsUntil: null, wasAway: false },
    };
    done.value = [fresh, ...done.value.map((each) => (each.id === id ? lifted(each) : each))].slice(
      0,
      MOST_SHOWN,
    );
  };
  const undo = (inflicted: Inflicted): void => {
    command({ kind: "chaos", participantId: inflicted.id, fault: null });
    done.value = done.value.map((each) => (each === inflicted ? lifted(each) : each));
  };
  return (
    <section class="card" data-testid="chaos">
      <h2>{say("chaos.title")}</h2>
      <small>{say("chaos.about")}</small>
      <div class="row">
        <label>
          <span>{say("chaos.device")}</span>
          <select
            data-testid="chaos-device"
            value={device?.id ?? ""}
            onChange={({ currentTarget }) => {
              chosen.value = currentTarget.value;
            }}
          >
            {here.map((each) => (
              <option key={each.id} value={each.id}>
                {nameOf(each, participants)}
              </option>
            ))}
          </select>
        </label>
        {FAULTS.map((fault) => (
          <button
            key={fault}
            type="button"
            data-testid={`chaos-${fault}`}
            disabled={device === undefined}
            onClick={({ detail }) => {
              // The second click of two would be another fault's, and another device's where the first one has gone.
              if (detail <= 1) inflict(fault);
            }}
          >
            {say(`chaos.${fault}`)}
          </button>
        ))}
      </div>
      <div role="status" aria-atomic={false}>
        <ul class="inflicted">
          {done.value.map((inflicted, place) => (
            <li key={done.value.length - place} class="row between">
              <span data-testid="inflicted">
                {[
                  say(inflicted.roundsUntil === null ? `chaos.did.${inflicted.fault}` : "chaos.undone", {
                    nickname: inflicted.name,
                  }),
                  ...whatCameOfIt(inflicted, view),
                ].join(" ")}{" "}
                <UntilThen inflicted={inflicted} view={view} />
              </span>
              {inflicted.roundsUntil === null && isLasting(inflicted.fault) && (
                <button type="button" class="quiet" data-testid="chaos-undo" onClick={() => undo(inflicted)}>
                  {say("chaos.undo")}
                </button>
              )}
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}

/** What is going on, to the second; nobody wants that read out. */
function UntilThen({ inflicted, view }: Pick<CommandProps, "view"> & { readonly inflicted: Inflicted }) {
  const nowMs = useNowMs();
  const round = roundThatWaits(inflicted, view);
  const left = secondsLeft(view, nowMs) ?? 0;
  return (
    <span role="timer">
      {round !== null &&
        (left > 0
          ? say("chaos.waits", { round, left: formatSeconds(left) })
          : say("chaos.closes", { round }))}{" "}
      {comingBack(inflicted, view.participants, nowMs)}
    </span>
  );
}
