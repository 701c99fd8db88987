/** A lane per device: what it is doing now. */
import type { ParticipantView } from "@fedlodrop/protocol";
import { energyLimitOf } from "@fedlodrop/run";
import { useSignal } from "@preact/signals";
import { Confirmed } from "../../ui/confirmed.tsx";
import { formatCount, formatLoss, formatPercent } from "../../ui/format.ts";
import type { CommandProps } from "./controls.tsx";

const CHIP_CLASSES: Readonly<Record<ParticipantView["state"], string>> = {
  loading: "chip",
  ready: "chip good",
  downloading: "chip active",
  training: "chip active",
  uploading: "chip active",
  waiting: "chip good",
  away: "chip warn",
  kicked: "chip bad",
};

export function Lanes({ view: { participants, config }, command }: CommandProps) {
  const { deviceEnergyLimitsJoules } = config;
  /** Null leaves the device with everybody's limit. */
  const limitEnergy = (id: string, joules: number | null): void => {
    const { [id]: _, ...others } = deviceEnergyLimitsJoules;
    const limits = joules === null ? others : { ...others, [id]: joules };
    command({ kind: "change", change: { deviceEnergyLimitsJoules: limits } });
  };
  return (
    <section class="card">
      <h2>Device by device</h2>
      {participants.length === 0 ? (
        <p class="muted">Nobody has joined yet. Scan the code, or open the address in a browser tab.</p>
      ) : (
        <div class="lanes" data-testid="lanes">
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
    dropoutRate !== null && `rate ${formatPercent(dropoutRate)}`,
    loss !== null && `loss ${formatLoss(loss)}`,
    tokensPerSecond !== null && `${formatCount(Math.round(tokensPerSecond))} tokens/s`,
  ].filter((figure) => figure !== false);
  return (
    <div class="lane" data-testid={`lane-${id}`}>
      <div>
        <strong>{nickname}</strong>{" "}
        <small>
          {id} · {deviceName}
        </small>
      </div>
      <span class={CHIP_CLASSES[state]}>{state}</span>
      <div>
        <progress aria-label={`${nickname}: steps`} max={localSteps || 1} value={step} />
        <small class="number">
          {localSteps > 0 && `step ${step}/${localSteps} · `}
          {figures.join(" · ") || deviceDescription || backend || "loading the model"}
        </small>
      </div>
      {state === "kicked" && (
        <button type="button" class="quiet" onClick={readmit} aria-label={`Let ${nickname} in again`}>
          Let in again
        </button>
      )}
      {state !== "kicked" && (
        <div class="row">
          <label>
            <small>E max, J</small>{" "}
            <input
              type="number"
              min="0.001"
              step="any"
              placeholder={effectiveLimitJoules?.toPrecision(3) ?? "none"}
              value={typed.value ?? energyLimitJoules ?? ""}
              aria-label={`${nickname}: energy limit in joules`}
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
          <Confirmed quiet question={`Remove ${nickname}?`} label={`Remove ${nickname}`} act={kick}>
            Remove
          </Confirmed>
        </div>
      )}
    </div>
  );
}
