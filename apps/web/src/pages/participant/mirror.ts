/** The page's state for automation: attributes of <html>, and `window.fedlodrop` (documented in main.tsx). */
import type { LossPoint } from "./curves.ts";
import { currentRound, type ParticipantState, type Phase } from "./state.ts";

export interface PageSnapshot {
  readonly state: string;
  readonly participantId: string | null;
  readonly nickname: string | null;
  readonly backend: string | null;
  readonly round: number | null;
  readonly step: number | null;
  readonly loss: number | null;
  readonly tokensPerSecond: number | null;
  /** Payload bytes of the current round. */
  readonly bytesDown: number;
  readonly bytesUp: number;
  readonly losses: readonly LossPoint[];
  readonly error: string | null;
}

/** `phase`, or `away` while a joined device has no connection, or `ended` when no round is to come. */
export function shownState({
  phase,
  online,
  participantId,
  ended,
}: ParticipantState): Phase | "away" | "ended" {
  if (phase === "error" || phase === "kicked") return phase;
  if (!online && participantId !== null) return "away";
  return phase === "ready" && ended ? "ended" : phase;
}

export function snapshot(state: ParticipantState): PageSnapshot {
  const round = currentRound(state);
  const step = round?.step ?? null;
  return {
    state: shownState(state),
    participantId: state.participantId,
    nickname: state.nickname,
    backend: state.choice?.backend ?? null,
    round: round?.start.round ?? null,
    step: step?.step ?? null,
    loss: step?.loss ?? null,
    tokensPerSecond: step && step.tokens / step.seconds,
    bytesDown: round?.bytesDown ?? 0,
    bytesUp: round?.bytesUp ?? 0,
    losses: state.losses,
    error: state.phase === "error" ? (state.stop?.message ?? null) : null,
  };
}

export function mirror(state: ParticipantState): void {
  const shown = snapshot(state);
  const attributes: Record<string, string | undefined> = {
    state: shown.state,
    participantId: shown.participantId ?? undefined,
    backend: shown.backend ?? undefined,
    backendReason: state.choice?.reason,
    round: shown.round?.toString(),
    error: shown.error ?? undefined,
  };
  const { dataset } = document.documentElement;
  for (const [name, value] of Object.entries(attributes))
    if (value === undefined) delete dataset[name];
    else if (dataset[name] !== value) dataset[name] = value;
  Object.defineProperty(window, "fedlodrop", { value: Object.freeze(shown), configurable: true });
}
