/**
 * What is known of a device's speed and link, from the rounds it took part in (docs/allocation.md, measured links).
 * Newer rounds count more, so that a device that slows down is believed within a round or two.
 */
import type { LinearInKeepRate } from "@fedlodrop/allocation";
import type { ParticipantRound, RoundRecord, RunConfig } from "@fedlodrop/run";
import type { ReadyParticipant } from "../round/participant.ts";

export interface DeviceMeasurements {
  /** Seconds of local training, t0 + t1·s. */
  readonly computeSeconds: LinearInKeepRate;
  /** How far rounds lay from that line. */
  readonly computeDeviationSeconds: number;
  readonly uploadBytesPerSecond: number;
  /** False while the upload rate is an assumption or old; then an upload goes unpaced, to measure it. */
  readonly uploadMeasured: boolean;
  readonly downloadBytesPerSecond: number;
  readonly roundTripSeconds: number;
}

const ROUNDS_FITTED = 8;
const TRANSFERS_AVERAGED = 5;
/** Weight of an observation against one a round younger. */
const WEIGHT_OF_AGE = 0.5;
/** Rounds for which a missed deadline is held against a device; then it gets another chance. */
const MISS_REMEMBERED_ROUNDS = 3;
const LEAST_RATE_VARIANCE = 0.01;
const MISS_STEP = 1.25;
/** A warm-up has the machine to itself; training shares it with its neighbours. */
const WARM_UP_SLACK = 1.5;
/** Until a transfer has been measured. */
const ASSUMED_BYTES_PER_SECOND = 1e6;
/** A pace hides what the link could do; after as many rounds it is lifted once, to see. */
const ROUNDS_BETWEEN_READINGS = 8;
/** Round trips within an upload's seconds: its beginning's, and its last byte's. */
const UPLOAD_ROUND_TRIPS = 2;

interface Observation {
  readonly keepRate: number;
  readonly seconds: number;
  readonly weight: number;
}

export function measureDevice(
  { id, device }: ReadyParticipant,
  config: RunConfig,
  round: number,
  records: readonly RoundRecord[],
): DeviceMeasurements {
  const all = records.flatMap((record) =>
    record.participants.filter((own) => own.id === id).map((own) => ({ record, own })),
  );
  const history = all.slice(-ROUNDS_FITTED);
  const done = all.filter(({ own }) => own.outcome === "aggregated");
  const roundTripSeconds = done.at(-1)?.own.roundTripSeconds ?? device.roundTripSeconds;
  const warmUpSeconds = WARM_UP_SLACK * device.stepSeconds * config.training.localSteps;
  const observations = observe(history, round, warmUpSeconds, config.training.localSteps);
  const computeSeconds = fitCompute(observations, warmUpSeconds);
  return {
    computeSeconds,
    computeDeviationSeconds: deviation(observations, computeSeconds),
    uploadBytesPerSecond: linkRate(done.map(upload)),
    uploadMeasured: done.some(
      ({ record, own }) =>
        round - record.round <= ROUNDS_BETWEEN_READINGS &&
        (own.uploadBytesPerSecond === null || own.uploadLimitedBy === "link"),
    ),
    downloadBytesPerSecond: linkRate(done.map(download)),
    roundTripSeconds,
  };
}

interface OwnRound {
  readonly record: RoundRecord;
  readonly own: ParticipantRound;
}

const upload = ({ record, own }: OwnRound): Transfer => ({
  bytes: own.bytesUp,
  seconds: own.secondsUpload as number,
  roundSeconds: record.seconds,
  reading: own.uploadLimitedBy === "link" ? own.uplinkBytesPerSecond : null,
});

const download = ({ record, own }: OwnRound): Transfer => ({
  bytes: own.bytesDown,
  seconds: own.secondsDownload as number,
  roundSeconds: record.seconds,
  reading: own.downlinkBytesPerSecond,
});

/** A missed deadline is taken for training that was slower by a step than foreseen, and slower yet if it goes on. */
function observe(
  history: readonly OwnRound[],
  round: number,
  warmUpSeconds: number,
  localSteps: number,
): readonly Observation[] {
  const observations: Observation[] = [];
  for (const { record, own } of history) {
    const age = round - record.round;
    const keepRate = 1 - own.dropoutRate;
    const weight = WEIGHT_OF_AGE ** age;
    const missed = own.outcome === "missed-deadline" || own.outcome === "late";
    if (own.secondsCompute !== null)
      // A probe may have taken fewer steps than everybody.
      observations.push({
        keepRate,
        weight,
        seconds: (own.secondsCompute * localSteps) / (own.steps ?? localSteps) + handlingSeconds(own),
      });
    else if (missed && age <= MISS_REMEMBERED_ROUNDS) {
      const { fixed, perKeepRate } = fitCompute(observations, warmUpSeconds);
      observations.push({ keepRate, weight, seconds: MISS_STEP * (fixed + perKeepRate * keepRate) });
    }
  }
  return observations;
}

/** What an upload took beyond what its bytes need at the pace, or on the link where that was the limit: a busy device is
 *  late to send, and a connection has to find its speed. */
function handlingSeconds({
  uploadBytesPerSecond,
  uplinkBytesPerSecond,
  uploadLimitedBy,
  roundTripSeconds,
  bytesUp,
  secondsUpload,
}: ParticipantRound): number {
  const rate = uploadLimitedBy === "link" ? uplinkBytesPerSecond : uploadBytesPerSecond;
  if (rate === null || secondsUpload === null) return 0;
  return Math.max(0, secondsUpload - bytesUp / rate - UPLOAD_ROUND_TRIPS * (roundTripSeconds ?? 0));
}

/** Weighted root mean square of what the fit leaves. */
function deviation(observations: readonly Observation[], { fixed, perKeepRate }: LinearInKeepRate): number {
  const total = observations.reduce((sum, { weight }) => sum + weight, 0);
  const squares = observations.reduce(
    (sum, { keepRate, seconds, weight }) => sum + weight * (seconds - fixed - perKeepRate * keepRate) ** 2,
    0,
  );
  return total === 0 ? 0 : Math.sqrt(squares / total);
}

/** Weighted least squares of seconds on (1, s) with t0 ≥ 0 and 0 ≤ t1 ≤ their mean; the warm-up's where nothing was seen. */
export function fitCompute(observations: readonly Observation[], warmUpSeconds: number): LinearInKeepRate {
  if (observations.length === 0) return { fixed: warmUpSeconds, perKeepRate: 0 };
  const total = observations.reduce((sum, { weight }) => sum + weight, 0);
  const mean = (value: (o: Observation) => number): number =>
    observations.reduce((sum, o) => sum + o.weight * value(o), 0) / total;
  const [meanRate, meanSeconds] = [mean(({ keepRate }) => keepRate), mean(({ seconds }) => seconds)];
  const variance = mean(({ keepRate }) => (keepRate - meanRate) ** 2);
  const covariance = mean(({ keepRate, seconds }) => (keepRate - meanRate) * (seconds - meanSeconds));
  // Rates that hardly differ tell nothing of the slope, and most work is the frozen base's, whatever the rate.
  const slope =
    variance < LEAST_RATE_VARIANCE ? 0 : Math.min(meanSeconds, Math.max(0, covariance / variance));
  return { fixed: meanSeconds - slope * meanRate, perKeepRate: slope };
}

interface Transfer {
  readonly bytes: number;
  readonly seconds: number;
  /** Of the whole round, by the coordinator's clock. */
  readonly roundSeconds: number;
  /** What the link carried while it was the limit; null where something else was. */
  readonly reading: number | null;
}

/**
 * Harmonic mean of the last readings. A transfer with another limit (its pace, a busy device) shows that the link does
 * as much at least, and never that it can do no more. Nor is a reading believed below what the round itself shows.
 */
export function linkRate(transfers: readonly Transfer[]): number {
  const readings = transfers.flatMap(({ reading, bytes, roundSeconds }) =>
    reading === null ? [] : [Math.max(reading, bytes / roundSeconds)],
  );
  const last = readings.slice(-TRANSFERS_AVERAGED);
  const measured =
    last.length === 0
      ? ASSUMED_BYTES_PER_SECOND
      : last.length / last.reduce((sum, reading) => sum + 1 / reading, 0);
  const since = transfers.slice(transfers.findLastIndex(({ reading }) => reading !== null) + 1);
  return Math.max(measured, ...since.map(({ bytes, seconds }) => bytes / Math.max(seconds, 1e-3)));
}
