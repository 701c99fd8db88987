/** Sums over a run's rounds: what dropout saved on the wire, and what a round cost. */
import { payloadBytes } from "@fedlodrop/protocol";
import type { ParticipantRound, RoundRecord, ValueType } from "@fedlodrop/run";

export interface ByteTotals {
  readonly down: number;
  readonly up: number;
  /** The same transfers without dropout (FedLoRA). */
  readonly withoutDropout: number;
}

export const NO_BYTES: ByteTotals = { down: 0, up: 0, withoutDropout: 0 };

export const addBytes = (a: ByteTotals, b: ByteTotals): ByteTotals => ({
  down: a.down + b.down,
  up: a.up + b.up,
  withoutDropout: a.withoutDropout + b.withoutDropout,
});

export function byteTotals(rounds: readonly RoundRecord[], valueType: ValueType): ByteTotals {
  const participants = rounds.flatMap((round) => round.participants);
  return {
    down: sum(participants, ({ bytesDown }) => bytesDown),
    up: sum(participants, ({ bytesUp }) => bytesUp),
    withoutDropout: sum(participants, (participant) => fullBytes(participant, valueType)),
  };
}

/** A transfer that was cut short counts in the same proportion. */
function fullBytes(
  { bytesDown, bytesUp, keptValues, fullValues }: ParticipantRound,
  valueType: ValueType,
): number {
  return ((bytesDown + bytesUp) * payloadBytes(fullValues, valueType)) / payloadBytes(keptValues, valueType);
}

/** Bytes and joules of one round, all participants together. */
export function roundCost({ participants }: RoundRecord): {
  readonly bytes: number;
  readonly energy: readonly Energy[];
} {
  return {
    bytes: sum(participants, ({ bytesDown, bytesUp }) => bytesDown + bytesUp),
    energy: energyTotals(participants),
  };
}

export interface Energy {
  /** `modelled`, `battery` or `emulated`: joules of one are not joules of another. */
  readonly source: string;
  readonly joules: number;
}

/** One sum for each source that anybody reported. */
export function energyTotals(participants: readonly ParticipantRound[]): readonly Energy[] {
  return participants.reduce<readonly Energy[]>(
    (all, { energyJoules: joules, energySource: source }) =>
      joules === null || source === null ? all : addEnergy(all, [{ source, joules }]),
    [],
  );
}

export function addEnergy(a: readonly Energy[], b: readonly Energy[]): readonly Energy[] {
  const totals = new Map<string, number>();
  for (const { source, joules } of [...a, ...b]) totals.set(source, (totals.get(source) ?? 0) + joules);
  return [...totals].map(([source, joules]) => ({ source, joules }));
}

/** Download, computing and upload together; null when the participant did not get through all three. */
export function actualSeconds({
  secondsDownload,
  secondsCompute,
  secondsUpload,
}: ParticipantRound): number | null {
  if (secondsDownload === null || secondsCompute === null || secondsUpload === null) return null;
  return secondsDownload + secondsCompute + secondsUpload;
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
