/** For those who want the numbers: the round's figures, the loss and the mask. */
import type { RunDescription } from "@fedlodrop/protocol";
import { Chart } from "../../ui/chart.tsx";
import { Figure } from "../../ui/figure.tsx";
import {
  formatBytes,
  formatCount,
  formatJoules,
  formatLoss,
  formatPercent,
  formatSeconds,
} from "../../ui/format.ts";
import { MaskCanvas } from "../../ui/mask-canvas.tsx";
import { currentRound, fullPayloadBytes, type ParticipantState } from "./state.ts";

const LOSS_WORDS: Readonly<Record<RunDescription["task"]["kind"], string>> = {
  "language-model": "How surprised the model is by the next word, in nats",
  chat: "How surprised the model is by each word of an answer, in nats",
  classification: "How surprised the model is by the right label, in nats",
  regression: "How far off its estimates are, squared",
};

interface LiveProps {
  readonly state: ParticipantState;
  readonly run: RunDescription;
}

export function LossCard({ state: { losses, heldOutLosses }, run }: LiveProps) {
  const last = losses.at(-1);
  const base = heldOutLosses.get(0) ?? null;
  // A round's held-out loss belongs to the model after its last step.
  const testLosses = losses.map(({ round }, i) =>
    losses[i + 1]?.round === round ? null : (heldOutLosses.get(round) ?? null),
  );
  return (
    <div>
      <div class="row between">
        <h3>Loss</h3>
        <strong class="number" data-testid="loss">
          {last ? formatLoss(last.loss) : "–"}
        </strong>
      </div>
      <small>
        {LOSS_WORDS[run.task.kind]}; lower is better. Held-out texts are ones no device trains on.
      </small>
      <Chart
        description={`Training loss over ${last?.at ?? 0} steps, now ${last ? formatLoss(last.loss) : "unknown"}`}
        xTitle="local steps"
        x={losses.map(({ at }) => at)}
        lines={[
          { label: "this device, training", color: "--series-1", values: losses.map(({ loss }) => loss) },
          { label: "whole model, held-out", color: "--series-2", dots: true, values: testLosses },
          {
            label: "base model, held-out",
            color: "--series-3",
            dashed: true,
            values: losses.map(() => base),
          },
        ]}
      />
    </div>
  );
}

export function LiveFigures({ state, run }: LiveProps) {
  const round = currentRound(state);
  if (!round) return null;
  const {
    start,
    bytesDown,
    bytesUp,
    secondsDownload,
    secondsCompute,
    secondsUpload,
    step,
    energy,
    keptValues,
  } = round;
  const seconds = (value: number | null) => (value === null ? "–" : formatSeconds(value));
  const pace = (rate: number | null) =>
    rate === null ? "" : ` Paced to ${formatBytes(rate)}/s (${start.rateSource}).`;
  return (
    <div>
      <h3>This round</h3>
      <dl class="figures">
        <Figure term="Dropout rate" value={formatPercent(start.dropoutRate)} testId="dropout-rate">
          The share of the adapter this device leaves out.
        </Figure>
        <Figure term="Trained numbers" value={formatCount(keptValues)}>
          The kept entries of the adapter.
        </Figure>
        <Figure
          term="Speed"
          value={step ? `${formatCount(Math.round(step.tokens / step.seconds))} tokens/s` : null}
          testId="speed"
        >
          Tokens are pieces of words.
        </Figure>
        <Figure term="Bytes down" value={formatBytes(bytesDown)} testId="bytes-down">
          Without dropout: {formatBytes(fullPayloadBytes(run))}.{pace(start.downloadBytesPerSecond)}
        </Figure>
        <Figure term="Bytes up" value={formatBytes(bytesUp)} testId="bytes-up">
          The change of the same numbers.{pace(start.uploadBytesPerSecond)}
        </Figure>
        <Figure
          term="Time"
          value={secondsCompute === null ? null : formatSeconds(secondsCompute)}
          testId="latency"
        >
          computing; {seconds(secondsDownload)} down, {seconds(secondsUpload)} up, {start.rateSource}.
          Deadline {formatSeconds(start.deadlineSeconds)}.
        </Figure>
        <Figure term="Energy" value={energy && `≈ ${formatJoules(energy.joules)}`} testId="energy">
          {energy?.source === "battery"
            ? "From how fast the battery empties; that is the whole device."
            : "Modelled: typical watts × measured time; may be off by a factor of two, and a busy device is billed for waiting, since browsers tell no processor time."}
        </Figure>
      </dl>
    </div>
  );
}

/** More are shown when asked for, as are any on a phone: each is two strips, and large models have dozens. */
const MOST_MODULES_SHOWN = 24;

export function CurrentMask({ state, run }: LiveProps) {
  const round = currentRound(state);
  if (!round) return null;
  return (
    <div>
      <h3>Dropout mask of round {round.start.round}</h3>
      <small>
        The adapter is pairs of thin matrices A and B. Coloured columns of A and rows of B are trained here
        this round; the grey ones are neither sent nor trained.
      </small>
      <details
        open={run.adapter.modules.length <= MOST_MODULES_SHOWN && matchMedia("(min-width: 40rem)").matches}
      >
        <summary>
          {run.adapter.modules.length} modules, {formatPercent(1 - round.start.dropoutRate)} of each kept
        </summary>
        {round.mask && <MaskCanvas modules={run.adapter.modules} mask={round.mask} />}
      </details>
    </div>
  );
}
