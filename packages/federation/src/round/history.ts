/** What a round and a run leave behind: `RoundRecord` and `RunReport`. */
import type { RoundClosed } from "@fedlodrop/protocol";
import {
  adapterSize,
  keptValueCount,
  type ParticipantOutcome,
  type ParticipantRound,
  type RoundEvaluation,
  type RoundRecord,
  type RunReport,
} from "@fedlodrop/run";
import type { EvaluatingState, Member, Run, RunState } from "./run-state.ts";

const OUTCOMES = {
  working: "missed-deadline",
  uploading: "late",
  late: "late",
  aggregated: "aggregated",
  refused: "refused",
  left: "left",
} as const satisfies Record<Member["status"]["kind"], ParticipantOutcome>;

/** What a member's status means once the round has closed. */
export const outcomeOf = (member: Member): ParticipantOutcome => OUTCOMES[member.status.kind];

export function recordRound(state: EvaluatingState, evaluation: RoundEvaluation | null): RoundRecord {
  const members = [...state.members.values()];
  const participants = members.map((member) => recordMember(state, member));
  const aggregated = participants.filter(({ outcome }) => outcome === "aggregated");
  const weight = aggregated.reduce((sum, { sampleCount }) => sum + sampleCount, 0);
  return {
    round: state.round,
    method: state.method,
    deadlineSeconds: state.deadlineSeconds,
    trainLoss:
      weight === 0
        ? null
        : aggregated.reduce((sum, p) => sum + (p.sampleCount / weight) * (p.trainLoss as number), 0),
    testLoss: evaluation?.testLoss ?? null,
    evaluation,
    seconds: (state.closedAtMs - state.startedAtMs) / 1000,
    participants,
    allocation: state.allocation && {
      ...state.allocation,
      measuredGap: evaluation && measuredGap(evaluation),
      devices: state.allocation.devices.map((device) => ({
        ...device,
        actualSeconds: secondsSpent(participants.find(({ id }) => id === device.id)),
      })),
    },
  };
}

/** Null while there is no training loss. */
export const measuredGap = ({ testLoss, trainLoss }: RoundEvaluation): number | null =>
  trainLoss === null ? null : testLoss - trainLoss;

function recordMember(state: EvaluatingState, member: Member): ParticipantRound {
  const { participant, assignment, status, bytesDown, bytesUp } = member;
  const statistics = status.kind === "aggregated" ? status.statistics : null;
  return {
    id: participant.id,
    nickname: participant.nickname,
    backend: participant.device.backend,
    dropoutRate: assignment.dropoutRate,
    keptValues: keptValueCount(state.adapter, assignment.dropoutRate),
    fullValues: adapterSize(state.adapter),
    bytesDown,
    bytesUp,
    secondsDownload: statistics?.secondsDownload ?? null,
    secondsCompute: statistics?.secondsCompute ?? null,
    secondsUpload: status.kind === "aggregated" ? status.secondsUpload : null,
    uploadBytesPerSecond: assignment.uploadBytesPerSecond,
    rateSource: assignment.rateSource,
    sampleCount: participant.device.sampleCount,
    trainLoss: statistics?.trainLoss ?? null,
    energyJoules: statistics?.energyJoules ?? null,
    // An emulated radio's share of the joules is no device's.
    energySource: statistics && (assignment.rateSource === "emulated" ? "emulated" : statistics.energySource),
    tokens: statistics?.tokens ?? null,
    roundTripSeconds: statistics?.roundTripSeconds ?? null,
    gradientNorm95: statistics?.gradientNorm95 ?? null,
    lossSpread: statistics?.lossSpread ?? null,
    outcome: outcomeOf(member),
  };
}

/** Download, training and upload together; null unless the update was aggregated. */
export function secondsSpent(participant: ParticipantRound | undefined): number | null {
  if (participant?.outcome !== "aggregated") return null;
  const { secondsDownload, secondsCompute, secondsUpload } = participant;
  return (secondsDownload as number) + (secondsCompute as number) + (secondsUpload as number);
}

/** What one member is told about the round it was in. */
export function closingMessage(record: RoundRecord, id: string, baseTestLoss: number | null): RoundClosed {
  const aggregated = record.participants.filter(({ outcome }) => outcome === "aggregated");
  const weight = aggregated.reduce((sum, { sampleCount }) => sum + sampleCount, 0);
  const own = record.participants.find((participant) => participant.id === id) as ParticipantRound;
  return {
    round: record.round,
    outcome: own.outcome,
    contribution: own.outcome === "aggregated" ? own.sampleCount / weight : 0,
    aggregatedCount: aggregated.length,
    cohortSize: record.participants.length,
    testLoss: record.testLoss,
    baseTestLoss,
  };
}

export function buildReport(run: Run | RunState, runId: string, adapterSha256: string): RunReport {
  return {
    runId,
    seed: run.config.seed,
    task: run.config.task,
    model: run.config.model,
    method: run.config.method,
    config: run.config,
    rounds: run.records,
    baseTestLoss: run.baseTestLoss,
    finalTestLoss: run.records.at(-1)?.testLoss ?? null,
    adapterSha256,
  };
}
