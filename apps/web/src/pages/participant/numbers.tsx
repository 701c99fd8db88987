/** For those who want the numbers: the round's figures, the loss and the mask. */
import type { RunDescription } from "@fedlodrop/protocol";
import { turnOf } from "@fedlodrop/run";
import { Chart } from "../../ui/chart.tsx";
import { Figure } from "../../ui/figure.tsx";
import {
  formatBytes,
  formatBytesASecond,
  formatCount,
  formatJoules,
  formatLoss,
  formatPercent,
  formatSeconds,
} from "../../ui/format.ts";
import { sentences } from "../../ui/joined.ts";
import { MaskCanvas } from "../../ui/mask-canvas.tsx";
import { forResearchers, Term, term } from "../../ui/symbols.tsx";
import { say } from "../../words/words.ts";
import { currentRound, fullPayloadBytes, type ParticipantState } from "./state.ts";

interface LiveProps {
  readonly state: ParticipantState;
  readonly run: RunDescription;
}

export function LossCard({ state: { losses, heldOutLosses }, run }: LiveProps) {
  const last = losses.at(-1);
  const base = heldOutLosses.get(0)?.loss ?? null;
  // A round's held-out loss belongs to the model after its last step.
  const testLosses = losses.map(({ round }, i) =>
    losses[i + 1]?.round === round ? null : (heldOutLosses.get(round)?.loss ?? null),
  );
  return (
    <div>
      <div class="row between">
        <h3>
          <Term of="loss.title" />
        </h3>
        <strong class="number" data-testid="loss">
          {last ? formatLoss(last.loss) : "–"}
        </strong>
      </div>
      <small>
        {sentences(
          say(`loss.about.${run.task.kind}`),
          say("loss.about.unseen"),
          forResearchers(say(`loss.unit.${run.task.kind}`)),
        )}
      </small>
      <Chart
        description={say("numbers.chart", {
          steps: last?.at ?? 0,
          loss: last ? formatLoss(last.loss) : say("unknown"),
        })}
        xTitle={say("numbers.steps")}
        x={losses.map(({ at }) => at)}
        lines={[
          { label: say("line.training"), color: "--series-1", values: losses.map(({ loss }) => loss) },
          { label: say("line.held-out"), color: "--series-2", dots: true, values: testLosses },
          {
            label: say("line.base"),
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
  const source = say(`source.${start.rateSource}`);
  const paced = (about: string, rate: number | null): string =>
    sentences(about, rate !== null && say("numbers.paced", { rate: formatBytesASecond(rate), source }));
  return (
    <div>
      <h3>{say("numbers.round")}</h3>
      <dl class="figures">
        <Figure term={term("rate.dropout")} value={formatPercent(start.dropoutRate)} testId="dropout-rate">
          {say("numbers.rate.about")}
        </Figure>
        <Figure term={say("numbers.trained")} value={formatCount(keptValues)}>
          {say("numbers.trained.about")}
        </Figure>
        <Figure
          term={say("now.speed")}
          value={step ? say("numbers.speed", { count: Math.round(step.tokens / step.seconds) }) : null}
          testId="speed"
        >
          {sentences(say("numbers.speed.about"), forResearchers(say("numbers.speed.terms")))}
        </Figure>
        <Figure term={say("numbers.down")} value={formatBytes(bytesDown)} testId="bytes-down">
          {paced(
            say("numbers.down.about", { all: formatBytes(fullPayloadBytes(run)) }),
            start.downloadBytesPerSecond,
          )}
        </Figure>
        <Figure term={say("numbers.up")} value={formatBytes(bytesUp)} testId="bytes-up">
          {paced(say("numbers.up.about"), start.uploadBytesPerSecond)}
        </Figure>
        <Figure
          term={say("numbers.time")}
          value={secondsCompute === null ? null : formatSeconds(secondsCompute)}
          testId="latency"
        >
          {say("numbers.time.about", {
            down: seconds(secondsDownload),
            up: seconds(secondsUpload),
            source,
            deadline: formatSeconds(start.deadlineSeconds),
          })}
        </Figure>
        <Figure
          term={say("energy.term")}
          value={energy && say("unit.about", { value: formatJoules(energy.joules) })}
          testId="energy"
        >
          {say(energy?.source === "battery" ? "numbers.energy.battery" : "numbers.energy.modelled")}
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
      <h3>{say("mask.title", { round: turnOf(round.start) })}</h3>
      <small>{sentences(say("mask.about"), forResearchers(say("mask.terms")))}</small>
      <details
        open={run.adapter.modules.length <= MOST_MODULES_SHOWN && matchMedia("(min-width: 40rem)").matches}
      >
        <summary>
          {say("mask.modules", {
            count: run.adapter.modules.length,
            share: formatPercent(1 - round.start.dropoutRate),
          })}
        </summary>
        {round.mask && <MaskCanvas modules={run.adapter.modules} mask={round.mask} />}
      </details>
    </div>
  );
}
