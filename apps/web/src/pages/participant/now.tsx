/** What this device does now: one sentence, the picture of its share, its speed and its energy. */
import type { Given, RunDescription } from "@fedlodrop/protocol";
import { turnOf } from "@fedlodrop/run";
import { formatCount, formatJoules, formatPercent } from "../../ui/format.ts";
import { roundsPlanned } from "../../ui/round-name.ts";
import { RoundPlace } from "../../ui/round-place.tsx";
import { taskStory, taskTitle } from "../../ui/task-words.ts";
import { Technical } from "../../ui/technical.tsx";
import { say } from "../../words/words.ts";
import { PHONE_WATT_HOURS, shareOfBattery } from "./everyday-energy.ts";
import { ownFigures } from "./own-figures.ts";
import type { Session } from "./session.ts";
import { SharePicture } from "./share-picture.tsx";
import { currentRound, type Phase } from "./state.ts";
import { textsSentences } from "./texts-sentences.ts";
import { sleepWarning } from "./wake-lock.ts";

/** Of a device in a round; a shape beside each, so that motion and colour are never alone. */
const SHAPES = {
  ready: "○",
  downloading: "▼",
  training: "■",
  uploading: "▲",
  waiting: "✓",
} as const satisfies Partial<Record<Phase, string>>;

const isDoing = (phase: Phase): phase is keyof typeof SHAPES => Object.hasOwn(SHAPES, phase);

interface NowProps {
  readonly session: Session;
  readonly run: RunDescription;
}

export function Now({ session, run }: NowProps) {
  const state = session.state.value;
  const round = currentRound(state);
  const { phase } = state;
  const [shape, words] = isDoing(phase)
    ? [SHAPES[phase], say(`now.${phase}`)]
    : [SHAPES.ready, say("now.else")];
  const started = round !== undefined;
  const steps = round?.start.training.localSteps ?? 1;
  const finished = round !== undefined && round.secondsCompute !== null;
  const done = finished ? 1 : (round?.step?.step ?? 0) / steps;
  const figures = ownFigures(state, run);
  return (
    <section class="card now" data-testid="now">
      <p class="number">
        {round ? <RoundPlace config={run.config} of={round.start} /> : roundsPlanned(run.config)}
      </p>
      <h2 class="status" tabIndex={-1} data-testid="status">
        <span aria-hidden="true" class={`shape ${phase}`}>
          {shape}
        </span>{" "}
        {started || state.given.upToRound > 0 ? words : say("now.lobby")}
      </h2>
      {!started && (
        <p>
          <strong>{taskTitle(run.config.task, run.task.title)}</strong>{" "}
          {taskStory(run.config.task, run.task.story)}
        </p>
      )}
      {started && (
        <progress
          aria-label={say("now.bar")}
          max={steps}
          value={finished ? steps : (round.step?.step ?? 0)}
        />
      )}
      {round?.mask && (
        <SharePicture
          modules={run.adapter.modules}
          mask={round.mask}
          done={done}
          dropoutRate={round.start.dropoutRate}
        />
      )}
      <dl class="two">
        <div>
          <dt>{say("now.speed")}</dt>
          <dd class="number" data-testid="pace">
            {paceOf(state)}
          </dd>
          <dd>
            <small>{say("now.speed-unit")}</small>
          </dd>
        </div>
        <Energy figures={figures} batteryWattHours={session.correction.value.batteryWattHours ?? null} />
      </dl>
      {round && <RoundNotes round={round} isNoisy={run.config.differentialPrivacy !== null} />}
      <small data-testid="texts">{textsSentences(state)}</small>
      {sleepWarning() && <small data-testid="keep-awake">{say("now.keep-awake")}</small>}
    </section>
  );
}

/** Of the last step, or of the warm-up before there was one. */
function paceOf({ rounds, stepSeconds, run }: ReturnType<Session["state"]["peek"]>): string {
  const step = rounds.findLast(({ step }) => step !== null)?.step;
  if (step) return formatCount(Math.round(step.tokens / step.seconds));
  if (stepSeconds === null || run === null) return "–";
  const { batchSize, sequenceLength } = run.config.training;
  return formatCount(Math.round((batchSize * sequenceLength) / stepSeconds));
}

interface EnergyProps {
  readonly figures: Given;
  readonly batteryWattHours: number | null;
}

function Energy({ figures: { joules, batteryJoules }, batteryWattHours }: EnergyProps) {
  const share =
    batteryWattHours === null ? say("now.energy-phone", { size: PHONE_WATT_HOURS }) : say("now.energy-own");
  return (
    <div>
      <dt>{say("now.energy")}</dt>
      <dd class="number" data-testid="energy">
        {joules === 0
          ? "–"
          : say("unit.about", {
              value: formatPercent(Number(shareOfBattery(joules, batteryWattHours).toPrecision(2))),
            })}
      </dd>
      <dd>
        <small>
          {joules === 0
            ? say("now.energy-later")
            : say(batteryJoules === joules ? "now.energy-battery" : "now.energy-modelled", {
                share,
                joules: formatJoules(joules),
              })}
        </small>
      </dd>
    </div>
  );
}

function RoundNotes({
  round: { start, closed, abandoned },
  isNoisy,
}: {
  readonly round: NonNullable<ReturnType<typeof currentRound>>;
  /** The model gets noise: a round of one device does not give its update away. */
  readonly isNoisy: boolean;
}) {
  return (
    <>
      {!isNoisy && !closed && start.cohortSize === 1 && (
        <p class="notice" role="note" data-testid="alone">
          {say("now.alone")}
        </p>
      )}
      {!isNoisy && closed?.outcome === "aggregated" && closed.aggregatedCount === 1 && (
        <p class="notice" role="note" data-testid="revealing">
          {say("now.revealing", { round: turnOf(start) })}
        </p>
      )}
      {abandoned && closed?.outcome !== "aggregated" && (
        <>
          <p>
            {say("now.without-you", {
              round: turnOf(start),
              why: say(`abandoned.${abandoned.because ?? "failed"}`),
            })}
          </p>
          {abandoned.because === null && <Technical>{abandoned.why}</Technical>}
        </>
      )}
    </>
  );
}
