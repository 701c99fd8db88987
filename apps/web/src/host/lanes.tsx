/** A lane per device: what it is doing now. */
import type { ParticipantView } from "@fedlodrop/protocol";
import { formatCount, formatLoss, formatPercent } from "../format.ts";
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

export function Lanes({ view: { participants }, command }: CommandProps) {
  return (
    <section class="card">
      <h2>Devices</h2>
      {participants.length === 0 ? (
        <p class="muted">Nobody has joined yet. Scan the code, or open the address in a browser tab.</p>
      ) : (
        <div class="lanes" data-testid="lanes">
          {participants.map((participant) => (
            <Lane
              key={participant.id}
              participant={participant}
              kick={() => command({ kind: "kick", participantId: participant.id })}
            />
          ))}
        </div>
      )}
    </section>
  );
}

function Lane({ participant, kick }: { readonly participant: ParticipantView; readonly kick: () => void }) {
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
      {state !== "kicked" && (
        <button type="button" class="quiet" onClick={kick} aria-label={`Remove ${nickname}`}>
          Remove
        </button>
      )}
    </div>
  );
}
