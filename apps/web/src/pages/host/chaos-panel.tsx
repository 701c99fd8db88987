/** For presenters: do to one device what happens to devices, and see that the run goes on. */
import { CHAOS_SECONDS, type Fault } from "@fedlodrop/protocol";
import { useSignal } from "@preact/signals";
import { say } from "../../words/words.ts";
import { type Inflicted, isLasting, whatCameOfIt } from "./chaos.ts";
import type { CommandProps } from "./controls.tsx";

const FAULTS = ["freeze", "slow", "cut", "kill"] as const satisfies readonly Fault[];
/** Older ones leave the list. */
const MOST_SHOWN = 6;

export function ChaosPanel({ view: { participants, rounds }, command }: CommandProps) {
  const chosen = useSignal<string | null>(null);
  const done = useSignal<readonly Inflicted[]>([]);
  const here = participants.filter(({ state }) => state !== "away" && state !== "kicked");
  const device = here.find(({ id }) => id === chosen.value) ?? here[0];
  const inflict = (fault: Fault): void => {
    if (device === undefined) return;
    const { id, nickname } = device;
    command({ kind: "chaos", participantId: id, fault });
    const fresh = { id, nickname, fault, roundsBefore: rounds.length, isUndone: false };
    done.value = [
      fresh,
      ...done.value.map((each) => (each.id === id ? { ...each, isUndone: true } : each)),
    ].slice(0, MOST_SHOWN);
  };
  const undo = (inflicted: Inflicted): void => {
    command({ kind: "chaos", participantId: inflicted.id, fault: null });
    done.value = done.value.map((each) => (each === inflicted ? { ...each, isUndone: true } : each));
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
            {here.map(({ id, nickname }) => (
              <option key={id} value={id}>
                {nickname}
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
            onClick={() => inflict(fault)}
          >
            {say(`chaos.${fault}`)}
          </button>
        ))}
      </div>
      <div role="status">
        <ul class="inflicted">
          {done.value.map((inflicted, place) => (
            <li key={done.value.length - place} class="row between">
              <span data-testid="inflicted">
                {say(inflicted.isUndone ? "chaos.undone" : `chaos.did.${inflicted.fault}`, {
                  nickname: inflicted.nickname,
                })}{" "}
                {!inflicted.isUndone &&
                  !isLasting(inflicted.fault) &&
                  say("chaos.back", { count: CHAOS_SECONDS })}{" "}
                {whatCameOfIt(inflicted, rounds)}
              </span>
              {!inflicted.isUndone && isLasting(inflicted.fault) && (
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
