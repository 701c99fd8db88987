/** One round on this device: download the sub-adapter, train its kept entries, upload their change. */
import type { Dataset, Trainer, TrainingStep } from "@fedlodrop/lm";
import {
  decodeSparseValues,
  type EnergyProfile,
  encodeSparseValues,
  type RoundStart,
  type RunDescription,
  type UpdateStatistics,
} from "@fedlodrop/protocol";
import { drawDropoutMask, keptValueCount, quantile } from "@fedlodrop/run";
import { estimateEnergy } from "./energy.ts";
import { type AnsweringSocket, accepted, type Link } from "./link.ts";
import type { FromWorker } from "./messages.ts";
import { chunkBytes, pauseSeconds, sleep } from "./pacing.ts";
import { mean } from "./statistics.ts";

export interface RoundContext {
  readonly link: Link;
  readonly trainer: Trainer;
  readonly dataset: Dataset;
  readonly sampleCount: number;
  readonly run: RunDescription;
  readonly participantId: string;
  /** As last known; the user may correct them at any time. */
  readonly energy: () => { readonly profile: EnergyProfile; readonly batteryWatts: number | null };
  readonly post: (message: FromWorker) => void;
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
  const { seed, valueType } = run.config;
  const mask = drawDropoutMask(run.adapter, { seed, round, participantId, dropoutRate });
  const keptValues = keptValueCount(run.adapter, dropoutRate);
  post({ kind: "round-started", start, mask, keptValues });

  const downloadStart = performance.now();
  const payload = await link.persist(signal, async (socket) => {
    const reply = accepted(await socket.emitWithAck("download", { round }));
    return new Uint8Array(reply.payload); // browsers receive an ArrayBuffer
  });
  await sleep(
    pauseSeconds(payload.byteLength, start.downloadBytesPerSecond, secondsSince(downloadStart)),
    signal,
  );
  const secondsDownload = secondsSince(downloadStart);
  const decoded = decodeSparseValues(payload, { round, valueCount: keptValues, valueType });
  if (decoded.kind === "refused")
    throw new Error(`The downloaded sub-adapter is damaged: ${decoded.message}`);
  post({ kind: "downloaded", round, bytes: payload.byteLength, seconds: secondsDownload });

  const computeStart = performance.now();
  const { delta, steps } = await trainer.trainRound(
    { mask, dropoutRate, values: decoded.values, training, batchSeed: `${seed}/${round}/${participantId}` },
    dataset,
    (step) => {
      post({ kind: "step", round, step });
      link.socket.volatile.emit("progress", {
        round,
        step: step.step,
        loss: step.loss,
        tokensPerSecond: step.tokens / step.seconds,
      });
    },
    signal,
  );
  const secondsCompute = secondsSince(computeStart);
  post({ kind: "trained", round, seconds: secondsCompute });

  const bytes = encodeSparseValues(delta, round, valueType);
  // An emulated radio sends slowly and without a pause; a real one that is paced is mostly silent.
  const emulatedRate = start.rateSource === "emulated" ? start.uploadBytesPerSecond : null;
  const spent = (upload: number) => {
    const { profile, batteryWatts } = context.energy();
    const seconds = { compute: secondsCompute, download: secondsDownload, upload };
    return estimateEnergy(profile, batteryWatts, seconds, start.uploadWatts);
  };
  // The statistics travel ahead of the upload, so its time is foreseen from its rate or else the downlink's.
  const foreseen = spent(bytes.byteLength / (emulatedRate ?? payload.byteLength / secondsDownload));
  const roundTripSeconds = await link.persist(signal, measureRoundTrip);
  const statistics: UpdateStatistics = {
    sampleCount: context.sampleCount,
    ...stepStatistics(steps),
    secondsDownload,
    secondsCompute,
    roundTripSeconds,
    energyJoules: foreseen.joules,
    energySource: foreseen.source,
  };
  const { secondsUpload, secondsPaused } = await link.persist(signal, async (socket) => {
    const uploadStart = performance.now();
    accepted(await socket.emitWithAck("upload-begin", { round, bytes: bytes.byteLength, statistics }));
    const secondsPaused = await sendChunks(socket, bytes, start, post, signal);
    accepted(await socket.emitWithAck("upload-end", { round }));
    return { secondsUpload: secondsSince(uploadStart), secondsPaused };
  });
  const energy = spent(emulatedRate === null ? secondsUpload - secondsPaused : secondsUpload);
  link.socket.emit("upload-timed", { round, secondsUpload, energyJoules: energy.joules });
  post({ kind: "uploaded", round, seconds: secondsUpload, energy });
}

/** Returns the seconds that pacing took. */
async function sendChunks(
  socket: AnsweringSocket,
  bytes: Uint8Array,
  { round, uploadBytesPerSecond }: RoundStart,
  post: RoundContext["post"],
  signal: AbortSignal,
): Promise<number> {
  const started = performance.now();
  let secondsPaused = 0;
  const size = chunkBytes(uploadBytesPerSecond);
  for (let offset = 0; offset < bytes.byteLength; offset += size) {
    const chunk = bytes.slice(offset, offset + size);
    accepted(await socket.emitWithAck("upload-chunk", { round, offset }, chunk));
    const sentBytes = offset + chunk.byteLength;
    post({ kind: "uploading", round, sentBytes, totalBytes: bytes.byteLength });
    const pauseStart = performance.now();
    await sleep(pauseSeconds(sentBytes, uploadBytesPerSecond, secondsSince(started)), signal);
    secondsPaused += secondsSince(pauseStart);
  }
  return secondsPaused;
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
    await socket.emitWithAck("ping");
    seconds.push(secondsSince(start));
  }
  return quantile(seconds, 0.5);
}
