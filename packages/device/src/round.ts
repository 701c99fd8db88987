/** One round on this device: download the sub-adapter, train its kept entries, upload their change. */
import { type Dataset, type LocalTrainer, type TrainingStep, trainPrivately } from "@fedlodrop/lm";
import {
  decodeSparseValues,
  type EnergyProfile,
  encodeSparseValues,
  payloadBytes,
  type RoundStart,
  type RunDescription,
  type UpdateStatistics,
} from "@fedlodrop/protocol";
import { quantile, subAdapter, turnOf } from "@fedlodrop/run";
import type { Chaos } from "./chaos.ts";
import { estimateEnergy } from "./energy.ts";
import type { ExampleBudget } from "./example-budget.ts";
import { type AnsweringSocket, accepted, type Link } from "./link.ts";
import type { FromWorker } from "./messages.ts";
import { pauseSeconds, sleep } from "./pacing.ts";
import type { SecurePart } from "./secure-part.ts";
import { mean } from "./statistics.ts";
import { downloadSubAdapter } from "./sub-adapter-download.ts";
import { UnsafeRoundError } from "./unsafe-round.ts";
import { type SentUpload, sendUpload } from "./upload.ts";

export interface RoundContext {
  readonly link: Link;
  readonly trainer: Pick<LocalTrainer, "trainRound" | "gradient" | "evaluate">;
  readonly dataset: Dataset;
  readonly sampleCount: number;
  readonly run: RunDescription;
  readonly participantId: string;
  /** Session token, which downloads need as well. */
  readonly token: string;
  /** Address that the pages stand under. */
  readonly site: string;
  /** As last known; the user may correct them at any time. */
  readonly energy: () => { readonly profile: EnergyProfile; readonly batteryWatts: number | null };
  /** Seconds that processors have been at this device's work so far, over its threads; null where that isn't told. */
  readonly processorSeconds: () => number | null;
  readonly post: (message: FromWorker) => void;
  readonly chaos: Pick<Chaos, "afterStep">;
  /** Where the run promises something of single texts. */
  readonly examplePrivacy: ExampleBudget;
  /** Under secure aggregation; null sends changes as they are. */
  readonly secure: SecurePart | null;
}

const secondsSince = (start: number): number => (performance.now() - start) / 1000;

/** Resolves when the coordinator has the update. Rejects when `signal` aborts (with its reason) or on a refusal. */
export async function playRound(
  context: RoundContext,
  start: RoundStart,
  signal: AbortSignal,
): Promise<void> {
  const { link, trainer, dataset, run, participantId, post } = context;
  const { round, dropoutRate, training } = start;
  const { secure } = context;
  if (run.config.secureAggregation && secure === null)
    throw new UnsafeRoundError("this run promises secure aggregation, and its round would go without");
  const { seed, valueType } = run.config;
  // Rounds of two arms that belong together differ by their terms alone.
  const turn = turnOf(start);
  const key = { seed, round: turn, participantId, dropoutRate };
  const { mask, indices, valueCount } = subAdapter(run.adapter, key);
  post({ kind: "round-started", start, mask, keptValues: valueCount });

  const totalBytes = payloadBytes(valueCount, valueType);
  const { site, token } = context;
  const downloaded = await downloadSubAdapter(link, { site, token, round, totalBytes }, signal);
  const payload = downloaded.bytes;
  const emulatedPause = pauseSeconds(totalBytes, start.downloadBytesPerSecond, downloaded.seconds);
  await sleep(emulatedPause, signal);
  const secondsDownload = downloaded.seconds + emulatedPause;
  const decoded = decodeSparseValues(payload, { round, valueCount, valueType });
  if (decoded.kind === "refused")
    throw new Error(`The downloaded sub-adapter is damaged: ${decoded.message}`);
  post({ kind: "downloaded", round, bytes: payload.byteLength, seconds: secondsDownload });

  const sayProgress = throttled(PROGRESS_SECONDS, (step: TrainingStep) =>
    link.socket.volatile.emit("progress", {
      round,
      step: step.step,
      loss: step.loss,
      tokensPerSecond: step.tokens / step.seconds,
    }),
  );
  const computeStart = performance.now();
  const processorStart = context.processorSeconds();
  const noteStep = (step: TrainingStep): Promise<void> => {
    post({ kind: "step", round, step });
    sayProgress(step);
    return context.chaos.afterStep(step, signal);
  };
  const { values } = decoded;
  const { roundsLeft } = start;
  const privacy = context.examplePrivacy(run, context.sampleCount, { training, roundsLeft });
  const { delta, steps } = privacy
    ? await trainPrivately(
        trainer,
        run.adapter,
        { dropoutRate, values, indices, training },
        dataset,
        privacy,
        noteStep,
        signal,
      )
    : await trainer.trainRound(
        { mask, dropoutRate, values, training, batchSeed: `${seed}/${turn}/${participantId}` },
        dataset,
        noteStep,
        signal,
      );
  const secondsCompute = secondsSince(computeStart);
  const processorEnd = context.processorSeconds();
  const processor = processorStart === null || processorEnd === null ? null : processorEnd - processorStart;
  // What comes of it leaves the device from here on.
  const textsEpsilon = (await privacy?.charge()) ?? null;
  post({ kind: "trained", round, seconds: secondsCompute, textsEpsilon });

  const bytes = secure ? await secure.mask(delta, indices) : encodeSparseValues(delta, round, valueType);
  // An emulated radio sends slowly and without a pause; a real one that is paced is mostly silent.
  const emulatedRate = start.rateSource === "emulated" ? start.uploadBytesPerSecond : null;
  const spent = (upload: number) => {
    const { profile, batteryWatts } = context.energy();
    const seconds = { compute: secondsCompute, processor, download: secondsDownload, upload };
    return estimateEnergy(profile, batteryWatts, seconds, start.uploadWatts);
  };
  const spentOn = ({ seconds, secondsPaused }: SentUpload) =>
    spent(emulatedRate === null ? seconds - secondsPaused : seconds);
  const roundTripSeconds = await link.persist(signal, measureRoundTrip);
  const describe = (sent: SentUpload): UpdateStatistics => {
    const { joules, source } = spentOn(sent);
    return {
      sampleCount: context.sampleCount,
      ...stepStatistics(steps),
      secondsDownload,
      secondsCompute,
      secondsUpload: sent.seconds,
      roundTripSeconds,
      downlinkBytesPerSecond: downloaded.bytesPerSecond,
      uplinkBytesPerSecond: sent.bytesPerSecond,
      uploadLimitedBy: sent.limitedBy,
      energyJoules: joules,
      energySource: source,
    };
  };
  const paceBytesPerSecond = start.uploadBytesPerSecond;
  const sent = await sendUpload(
    link,
    { round, bytes, paceBytesPerSecond, roundTripSeconds },
    describe,
    throttled(PROGRESS_SECONDS, (sentBytes: number) =>
      post({ kind: "uploading", round, sentBytes, totalBytes: bytes.byteLength }),
    ),
    signal,
  );
  post({ kind: "uploading", round, sentBytes: bytes.byteLength, totalBytes: bytes.byteLength });
  post({ kind: "uploaded", round, seconds: sent.seconds, energy: spentOn(sent) });
}

/** The host page shows no more, and each message is work for everybody it passes. */
const PROGRESS_SECONDS = 0.2;

/** `say`, but what comes sooner than `seconds` after the last is left unsaid. */
function throttled<T>(seconds: number, say: (value: T) => void): (value: T) => void {
  let saidMs = Number.NEGATIVE_INFINITY;
  return (value) => {
    const nowMs = performance.now();
    if (nowMs - saidMs < 1000 * seconds) return;
    saidMs = nowMs;
    say(value);
  };
}

function stepStatistics(
  steps: readonly TrainingStep[],
): Pick<UpdateStatistics, "trainLoss" | "steps" | "tokens" | "gradientNorm95" | "lossSpread"> {
  const losses = steps.map(({ loss }) => loss);
  return {
    trainLoss: mean(losses),
    steps: steps.length,
    tokens: steps.reduce((sum, { tokens }) => sum + tokens, 0),
    gradientNorm95: quantile(
      steps.map(({ gradientNorm }) => gradientNorm),
      0.95,
    ),
    lossSpread: quantile(losses, 0.99) - quantile(losses, 0.01),
  };
}

/** Median of three, so that one slow answer does not count. */
export async function measureRoundTrip(socket: AnsweringSocket): Promise<number> {
  const seconds: number[] = [];
  for (let i = 0; i < 3; i++) {
    const start = performance.now();
    accepted(await socket.emitWithAck("ping"));
    seconds.push(secondsSince(start));
  }
  return quantile(seconds, 0.5);
}
