/** What a round and a run leave behind: `RoundRecord` and `RunReport`. */
import { type GivenSoFar, give, NOTHING_GIVEN, type RoundClosed } from "@fedlodrop/protocol";
import {
  adapterSize,
  keptValueCount,
  nextTurn,
  ofArm,
  type ParticipantOutcome,
  type ParticipantRound,
  REPORT_FORMAT,
  type RoundEvaluation,
  type RoundRecord,
  type RunReport,
  type ValueType,
} from "@fedlodrop/run";
import { heldPart } from "./participant.ts";
import { privacyRecord } from "./privacy-budget.ts";
import type { MemberTraffic, MemberUpdate, RunEvent } from "./run-event.ts";
import type { ClosingState, Member, Run, RunState, TrainingState } from "./run-state.ts";

const OUTCOMES = {
  working: "missed-deadline",
  uploading: "late",
  late: "late",
  aggregated: "aggregated",
  refused: "refused",
  left: "left",
} as const satisfies Record<Member["status"]["kind"], ParticipantOutcome>;

/** A mean over few is close to what each of them sent: the host may want no such round. */
export const isDiscarded = ({ aggregatedCount, config }: TrainingState | ClosingState): boolean =>
  aggregatedCount < config.minContributors;

/** What a member's status means once the round has closed. @param isVain whether it has ended without a sum */
export function outcomeOf(state: ClosingState, member: Member, isVain = false): ParticipantOutcome {
  const outcome = OUTCOMES[member.status.kind];
  return outcome === "aggregated" && (isVain || isDiscarded(state)) ? "discarded" : outcome;
}

/** The round as it closed; how the new adapter does is added by `amendRecord`. */
export function recordRound(
  state: ClosingState,
  { traffic, updates, secure }: Pick<Extract<RunEvent, { kind: "closed" }>, "traffic" | "updates" | "secure">,
): RoundRecord {
  const bytes = new Map(traffic.map((own) => [own.participantId, own]));
  const outcomes = new Map(updates.map((own) => [own.participantId, own]));
  const members = [...state.members.values()];
  const participants = members.map((member) => {
    const { id } = member.participant;
    const outcome = outcomeOf(state, member, typeof secure?.problem === "string");
    return recordMember(state, member, outcome, bytes.get(id), outcomes.get(id));
  });
  const byId = new Map(participants.map((participant) => [participant.id, participant]));
  const aggregated = participants.filter(({ outcome }) => outcome === "aggregated");
  const weight = weightOf(aggregated);
  return {
    round: state.round,
    basedOnRound: state.basedOnRound,
    turn: nextTurn(state.config, state.records),
    method: state.method,
    deadlineSeconds: state.deadlineSeconds,
    trainLoss:
      weight === 0
        ? null
        : aggregated.reduce((sum, p) => sum + (p.sampleCount / weight) * (p.trainLoss as number), 0),
    testLoss: null,
    evaluation: null,
    seconds: (state.closedAtMs - state.startedAtMs) / 1000,
    participants,
    allocation: state.allocation && {
      ...state.allocation,
      devices: state.allocation.devices.map((device) => ({
        ...device,
        actualSeconds: secondsSpent(byId.get(device.id)),
      })),
    },
    ...privacyRecord(
      state.config,
      state.records,
      state.noiseMultiplier,
      aggregated.length > 0 || secure?.sent === true,
    ),
    ...(secure && { secureAggregation: secure }),
  };
}

/** The record with this evaluation in place of whatever it had. */
export const amendRecord = (record: RoundRecord, evaluation: RoundEvaluation | null): RoundRecord => ({
  ...record,
  testLoss: evaluation?.testLoss ?? null,
  evaluation,
  allocation: record.allocation && {
    ...record.allocation,
    measuredGap: evaluation && measuredGap(evaluation),
  },
});

/** Null while there is no training loss. */
export const measuredGap = ({ testLoss, trainLoss }: RoundEvaluation): number | null =>
  trainLoss === null ? null : testLoss - trainLoss;

function recordMember(
  state: ClosingState,
  member: Member,
  outcome: ParticipantOutcome,
  { bytesDown, bytesUp }: Omit<MemberTraffic, "participantId"> = { bytesDown: 0, bytesUp: 0 },
  made: MemberUpdate | undefined,
): ParticipantRound {
  const { participant, assignment, status } = member;
  const statistics = status.kind === "aggregated" ? status.statistics : null;
  return {
    id: participant.id,
    nickname: participant.nickname,
    part: heldPart(participant),
    backend: participant.device.backend,
    dropoutRate: assignment.dropoutRate,
    keptValues: keptValueCount(state.adapter, assignment.dropoutRate),
    fullValues: adapterSize(state.adapter),
    bytesDown,
    bytesUp,
    secondsDownload: statistics?.secondsDownload ?? null,
    secondsCompute: statistics?.secondsCompute ?? null,
    steps: statistics?.steps ?? null,
    secondsUpload: statistics?.secondsUpload ?? null,
    uploadBytesPerSecond: assignment.uploadBytesPerSecond,
    downlinkBytesPerSecond: statistics?.downlinkBytesPerSecond ?? null,
    uplinkBytesPerSecond: statistics?.uplinkBytesPerSecond ?? null,
    uploadLimitedBy: statistics?.uploadLimitedBy ?? null,
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
    outcome,
    update: made?.update ?? null,
  };
}

/** Download, training and upload together; null unless the update was aggregated. */
export function secondsSpent(participant: ParticipantRound | undefined): number | null {
  if (participant?.outcome !== "aggregated") return null;
  const { secondsDownload, secondsCompute, secondsUpload } = participant;
  return (secondsDownload as number) + (secondsCompute as number) + (secondsUpload as number);
}

/** What each member is told about the round it was in. */
export function closingMessages(record: RoundRecord): readonly (readonly [string, RoundClosed])[] {
  const { round, participants, secureAggregation, privacy } = record;
  const aggregated = participants.filter(({ outcome }) => outcome === "aggregated");
  const weight = weightOf(aggregated);
  // Where nobody sees an update, its weight is all that is known of what it changed.
  const hiddenShare = ({ outcome, sampleCount }: ParticipantRound): number =>
    !secureAggregation || outcome !== "aggregated"
      ? 0
      : privacy
        ? 1 / aggregated.length
        : sampleCount / weight;
  return participants.map((participant) => [
    participant.id,
    {
      round,
      outcome: participant.outcome,
      contribution: participant.update?.contribution ?? hiddenShare(participant),
      aggregatedCount: aggregated.length,
      cohortSize: participants.length,
      ...(privacy && { epsilon: privacy.epsilon }),
    },
  ]);
}

/** Who takes part, each with what it has given by the end of this round. @param told of it, to its members */
export function giveRound(
  participants: Run["participants"],
  { turn, participants: members }: RoundRecord,
  told: readonly (readonly [string, RoundClosed])[],
  valueType: ValueType,
): Run["participants"] {
  return told.reduce((all, [id, closed], k) => {
    const { bytesDown, bytesUp, keptValues, fullValues, energyJoules, energySource } = members[
      k
    ] as ParticipantRound;
    const known = all.get(id);
    if (known === undefined) return all;
    const given = give(known.given ?? NOTHING_GIVEN, {
      ...{ closed, turn, bytes: bytesDown + bytesUp, keptValues, fullValues, valueType },
      energy: energyJoules === null ? null : { joules: energyJoules, source: energySource },
    });
    return all.with(id, { ...known, given });
  }, participants);
}

/** Undefined of one that was in no round that is over. */
export function givenSoFar(
  { participants, records }: Pick<Run, "participants" | "records">,
  participantId: string,
): GivenSoFar | undefined {
  const given = participants.get(participantId)?.given;
  return given && { ...given, upToRound: records.length, epsilon: records.at(-1)?.privacy?.epsilon };
}

const weightOf = (participants: readonly ParticipantRound[]): number =>
  participants.reduce((sum, { sampleCount }) => sum + sampleCount, 0);

export function buildReport(run: Run | RunState, runId: string, adapterSha256: string): RunReport {
  return {
    format: REPORT_FORMAT,
    runId,
    seed: run.config.seed,
    task: run.config.task,
    model: run.config.model,
    method: run.config.method,
    config: run.config,
    rounds: run.records,
    baseTestLoss: run.baseTestLoss,
    // The adapter is that of the run's own arm.
    finalTestLoss: ofArm(run.records, 0).at(-1)?.testLoss ?? null,
    adapterSha256,
  };
}
