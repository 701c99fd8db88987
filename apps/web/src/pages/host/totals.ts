/** Sums over a run's rounds: what dropout saved on the wire, and what a round cost. */
import { payloadBytes } from "@fedlodrop/protocol";
import type { ParticipantRound, RoundRecord, ValueType } from "@fedlodrop/run";

export interface ByteTotals {
  readonly down: number;
  readonly up: number;
  /** The same transfers without dropout (FedLoRA). */
  readonly withoutDropout: number;
}

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

/** Bytes and joules of one round, all participants together; null joules where nobody reported any. */
export function roundCost({ participants }: RoundRecord): {
  readonly bytes: number;
  readonly joules: number | null;
} {
  const reported = participants.flatMap(({ energyJoules }) => energyJoules ?? []);
  return {
    bytes: sum(participants, ({ bytesDown, bytesUp }) => bytesDown + bytesUp),
    joules: reported.length > 0 ? sum(reported, (joules) => joules) : null,
  };
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

/** Actual over foreseen time, less one, for each device and round in which both are known. */
export function latencyErrors(rounds: readonly RoundRecord[]): readonly number[] {
  return rounds
    .flatMap(({ allocation }) => allocation?.devices ?? [])
    .flatMap(({ actualSeconds, predictedSeconds }) =>
      actualSeconds === null || predictedSeconds === 0 ? [] : actualSeconds / predictedSeconds - 1,
    );
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
