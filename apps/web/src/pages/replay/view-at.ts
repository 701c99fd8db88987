/**
 * What a host saw at a moment of a finished run, from its report: which device received, trained or sent follows from the
 * seconds that each of them measured in each round. Pure, so that any moment can be shown at any speed.
 */
import type { ParticipantView } from "@fedlodrop/protocol";
import type { ParticipantRound, RoundRecord, RunReport, TaskKind } from "@fedlodrop/run";
import type { ReceivedView } from "../host/connection.ts";

/** Between rounds the new model is put together and measured, which a report has no time of. */
const PAUSE_SECONDS = 1;

/** The same every time, so that what shows it is not drawn again. */
const NONE = [] as const;

/** When each round begins, in seconds from the start, and behind them when the last one is over. */
export function beginningsOf({ rounds }: Pick<RunReport, "rounds">): readonly number[] {
  const beginnings = [0];
  for (const { seconds } of rounds) beginnings.push((beginnings.at(-1) as number) + seconds + PAUSE_SECONDS);
  return beginnings;
}

export const durationOf = (report: Pick<RunReport, "rounds">): number =>
  beginningsOf(report).at(-1) as number;

/** @param atSeconds from the start of the first round */
export function viewAt(report: RunReport, atSeconds: number): ReceivedView {
  const { rounds, config } = report;
  const beginnings = beginningsOf(report);
  const index = beginnings.findLastIndex((begun) => begun <= atSeconds);
  const record = rounds[index];
  const since = atSeconds - (beginnings[index] ?? 0);
  const isClosed = record !== undefined && since >= record.seconds;
  const done = rounds.slice(0, isClosed ? index + 1 : index);
  return {
    runId: report.runId,
    phase: record === undefined ? "ended" : isClosed ? "evaluating" : "training",
    round: record?.round ?? rounds.length,
    basedOnRound: done.at(-1)?.round ?? 0,
    config,
    taskKind: kindOf(rounds),
    locked: true,
    pausing: false,
    notice: null,
    standstill: null,
    joinUrl: "",
    access: { roomCode: null, approval: false, waiting: [] },
    lesson: null,
    secondsToDeadline: record === undefined || isClosed ? null : record.deadlineSeconds - since,
    baseTestLoss: report.baseTestLoss,
    participants: participantsAt(report, done, record, since, isClosed),
    rounds: done,
    availableTasks: [],
    receivedAtMs: 0,
    earlier: NONE,
    past: NONE,
  };
}

/** As the model was asked after a round; where it could not be, the texts were the devices' own, and a language model's. */
function kindOf(rounds: readonly RoundRecord[]): TaskKind {
  const sample = rounds.find(({ evaluation }) => evaluation?.sample)?.evaluation?.sample;
  return sample?.kind === "labels"
    ? "classification"
    : sample?.kind === "values"
      ? "regression"
      : "language-model";
}

function participantsAt(
  { config }: RunReport,
  done: readonly RoundRecord[],
  record: RoundRecord | undefined,
  since: number,
  isClosed: boolean,
): readonly ParticipantView[] {
  const last = new Map<string, ParticipantRound>();
  for (const round of record === undefined ? done : [...done, record])
    for (const each of round.participants) last.set(each.id, each);
  const inRound = new Set(record?.participants.map(({ id }) => id));
  return [...last.values()].map((each) => {
    const isIn = inRound.has(each.id);
    const { state, step } =
      isIn && !isClosed && record ? doing(each, since, record.seconds) : atRest(each, isIn);
    return {
      id: each.id,
      nickname: each.nickname,
      state,
      backend: each.backend,
      deviceDescription: null,
      deviceName: "",
      dropoutRate: each.dropoutRate,
      step,
      localSteps: each.steps ?? config.training.localSteps,
      loss: each.trainLoss,
      tokensPerSecond: each.tokens !== null && each.secondsCompute ? each.tokens / each.secondsCompute : null,
      bytesDown: each.bytesDown,
      bytesUp: each.bytesUp,
    };
  });
}

type Doing = Pick<ParticipantView, "state" | "step">;

const atRest = ({ outcome }: ParticipantRound, wasIn: boolean): Doing => ({
  state: outcome === "left" || !wasIn ? "away" : "ready",
  step: 0,
});

/** By its own clock, which the round's may have been a little shorter than. */
function doing(
  { outcome, secondsDownload, secondsCompute, secondsUpload, steps }: ParticipantRound,
  since: number,
  roundSeconds: number,
): Doing {
  if (secondsDownload === null || secondsCompute === null || secondsUpload === null) {
    // It did not get through, and nobody wrote down how far it came.
    return { state: outcome === "left" && since > roundSeconds / 2 ? "away" : "training", step: 0 };
  }
  const total = secondsDownload + secondsCompute + secondsUpload;
  const own = since * Math.max(1, total / roundSeconds);
  if (own < secondsDownload) return { state: "downloading", step: 0 };
  const trained = (own - secondsDownload) / secondsCompute;
  if (trained < 1) return { state: "training", step: Math.floor(trained * (steps ?? 0)) };
  return { state: own < total ? "uploading" : "waiting", step: steps ?? 0 };
}
