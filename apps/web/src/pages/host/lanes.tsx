/** A lane per device: what it is doing now. */
import type { ParticipantView } from "@fedlodrop/protocol";
import { energyLimitOf } from "@fedlodrop/run";
import { useSignal } from "@preact/signals";
import { backendName } from "../../ui/backend-names.ts";
import { Confirmed } from "../../ui/confirmed.tsx";
import { formatLoss, formatPercent, significant } from "../../ui/format.ts";
import { sentences } from "../../ui/joined.ts";
import { partName } from "../../ui/part-name.ts";
import { say } from "../../words/words.ts";
import type { CommandProps } from "./controls.tsx";

const CHIPS: Readonly<Record<ParticipantView["state"], string>> = {
  loading: "",
  ready: "good",
  downloading: "active",
  training: "active",
  uploading: "active",
  waiting: "good",
  away: "warn",
  kicked: "bad",
};

export function Lanes({ view: { participants, config, taskKind }, command }: CommandProps) {
  const { deviceEnergyLimitsJoules } = config;
  /** Null leaves the device with everybody's limit. */
  const limitEnergy = (id: string, joules: number | null): void => {
    const { [id]: _, ...others } = deviceEnergyLimitsJoules;
    const limits = joules === null ? others : { ...others, [id]: joules };
    command({ kind: "change", change: { deviceEnergyLimitsJoules: limits } });
  };
  return (
    <section class="card">
      <h2>{say("lanes.title")}</h2>
      {participants.length === 0 ? (
        <p class="muted">{say("lanes.nobody")}</p>
      ) : (
        <div class="lanes" data-testid="lanes">
          {participants.some(({ loss }) => loss !== null) && (
            <small>{sentences(say("lanes.loss.about"), say(`loss.about.${taskKind}`))}</small>
          )}
          {participants.map((participant) => (
            <Lane
              key={participant.id}
              participant={participant}
              energyLimitJoules={deviceEnergyLimitsJoules[participant.id] ?? null}
              effectiveLimitJoules={energyLimitOf(config, participant.id)}
              limitEnergy={(joules) => limitEnergy(participant.id, joules)}
              kick={() => command({ kind: "kick", participantId: participant.id })}
              readmit={() => command({ kind: "readmit", participantId: participant.id })}
            />
          ))}
        </div>
      )}
    </section>
  );
}

interface LaneProps {
  readonly participant: ParticipantView;
  /** This device's own; null where it has none. */
  readonly energyLimitJoules: number | null;
  /** What holds for it: its own or else everybody's. */
  readonly effectiveLimitJoules: number | null;
  readonly limitEnergy: (joules: number | null) => void;
  readonly kick: () => void;
  readonly readmit: () => void;
}

function Lane({
  participant,
  energyLimitJoules,
  effectiveLimitJoules,
  limitEnergy,
  kick,
  readmit,
}: LaneProps) {
  const typed = useSignal<string | null>(null);
  const {
    id,
    nickname,
    state,
    backend,
    deviceDescription,
    deviceName,
    dropoutRate,
    step,
    localSteps,
    loss,
    tokensPerSecond,
  } = participant;
  const figures = [
    dropoutRate !== null && say("lanes.rate", { rate: formatPercent(dropoutRate) }),
    loss !== null && say("lanes.loss", { loss: formatLoss(loss) }),
    tokensPerSecond !== null && say("lanes.speed", { count: Math.round(tokensPerSecond) }),
  ].filter((figure) => figure !== false);
  return (
    <div class="lane" data-testid={`lane-${id}`}>
      <div>
        <strong>{nickname}</strong>{" "}
        <small>
          {id} · {deviceName === null ? say("lanes.own-texts") : partName(deviceName)}
        </small>
      </div>
      <span class={`chip ${CHIPS[state]}`}>{say(`state.${state}`)}</span>
      <div>
        <progress aria-label={say("lanes.steps", { nickname })} max={localSteps || 1} value={step} />
        <small class="number" title={deviceDescription ?? undefined}>
          {localSteps > 0 && `${say("lanes.step", { step, steps: localSteps })} · `}
          {figures.join(" · ") || (backend === null ? say("lanes.loading") : backendName(backend))}
        </small>
      </div>
      {state === "kicked" && (
        <button
          type="button"
          class="quiet"
          onClick={readmit}
          aria-label={say("lanes.again-name", { nickname })}
        >
          {say("lanes.again")}
        </button>
      )}
      {state !== "kicked" && (
        <div class="row">
          <label>
            <small>{say("lanes.limit")}</small>{" "}
            <input
              type="number"
              min="0.001"
              step="any"
              placeholder={
                effectiveLimitJoules === null ? say("lanes.energy-none") : significant(effectiveLimitJoules)
              }
              value={typed.value ?? energyLimitJoules ?? ""}
              aria-label={say("lanes.energy-name", { nickname })}
              onInput={({ currentTarget }) => {
                typed.value = currentTarget.value;
              }}
              onChange={({ currentTarget }) => {
                typed.value = null;
                if (currentTarget.validity.valid)
                  limitEnergy(currentTarget.value === "" ? null : currentTarget.valueAsNumber);
              }}
            />
          </label>
          <Confirmed
            quiet
            question={say("lanes.remove-sure", { nickname })}
            label={say("lanes.remove-name", { nickname })}
            act={kick}
          >
            {say("lanes.remove")}
          </Confirmed>
        </div>
      )}
    </div>
  );
}
