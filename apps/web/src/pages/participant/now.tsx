/** What this device does now: one sentence, the picture of its share, its speed and its energy. */
import type { RunDescription } from "@fedlodrop/protocol";
import { roundsInAll } from "@fedlodrop/run";
import { formatCount, formatJoules, formatPercent } from "../../ui/format.ts";
import { PHONE_WATT_HOURS, shareOfBattery } from "./everyday-energy.ts";
import { type OwnFigures, ownFigures } from "./own-figures.ts";
import type { Session } from "./session.ts";
import { SharePicture } from "./share-picture.tsx";
import { currentRound, type Phase } from "./state.ts";
import { sleepWarning } from "./wake-lock.ts";

/** Of a device in a round; a shape beside each, so that motion and colour are never alone. */
const DOING: Partial<Record<Phase, readonly [shape: string, words: string]>> = {
  ready: ["○", "Waiting for the next round"],
  downloading: ["▼", "Receiving its share of the model"],
  training: ["■", "Training on its texts"],
  uploading: ["▲", "Sending what it has learned"],
  waiting: ["✓", "Done: waiting for the other devices"],
};

interface NowProps {
  readonly session: Session;
  readonly run: RunDescription;
}

export function Now({ session, run }: NowProps) {
  const state = session.state.value;
  const round = currentRound(state);
  const [shape, words] = DOING[state.phase] ?? ["○", "Waiting"];
  const started = round !== undefined;
  const steps = round?.start.training.localSteps ?? 1;
  const finished = round !== undefined && round.secondsCompute !== null;
  const done = finished ? 1 : (round?.step?.step ?? 0) / steps;
  const figures = ownFigures(state.rounds, run);
  return (
    <section class="card now" data-testid="now">
      <p class="number">
        {round ? (
          <>
            Round <span data-testid="round">{round.start.round}</span> of {roundsInAll(run.config)}
          </>
        ) : (
          `${roundsInAll(run.config)} rounds`
        )}
      </p>
      <h2 class="status" tabIndex={-1} data-testid="status">
        <span aria-hidden="true" class={`shape ${state.phase}`}>
          {shape}
        </span>{" "}
        {started ? words : "Ready: the host starts the training"}
      </h2>
      {!started && (
        <p>
          <strong>{run.task.title}.</strong> {run.task.story}
        </p>
      )}
      {started && (
        <progress
          aria-label="Steps of this round"
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
          <dt>Speed</dt>
          <dd class="number" data-testid="pace">
            {paceOf(state)}
          </dd>
          <dd>
            <small>word pieces a second</small>
          </dd>
        </div>
        <Energy figures={figures} batteryWattHours={session.correction.value.batteryWattHours ?? null} />
      </dl>
      {round && <RoundNotes round={round} isNoisy={run.config.differentialPrivacy !== null} />}
      <small>{sourceSentence(state)}</small>
      {sleepWarning() && (
        <small data-testid="keep-awake">Keep the screen on: a phone that sleeps stops training.</small>
      )}
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
  readonly figures: OwnFigures;
  readonly batteryWattHours: number | null;
}

function Energy({ figures: { joules, fromBattery }, batteryWattHours }: EnergyProps) {
  const whose =
    batteryWattHours === null ? `a phone's battery (${PHONE_WATT_HOURS} Wh)` : "this device's battery";
  return (
    <div>
      <dt>Energy so far</dt>
      <dd class="number" data-testid="energy">
        {joules === 0
          ? "–"
          : `≈ ${formatPercent(Number(shareOfBattery(joules, batteryWattHours).toPrecision(2)))}`}
      </dd>
      <dd>
        <small>
          {joules === 0
            ? "known after the first round"
            : `of ${whose}; ${formatJoules(joules)}, ${fromBattery ? "from how fast the battery empties" : "from typical watts, perhaps half or twice that"}`}
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
          This device is alone in this round: whoever has the model before and after it can compute what your
          device sent. Leave if you do not want that.
        </p>
      )}
      {!isNoisy && closed?.outcome === "aggregated" && closed.aggregatedCount === 1 && (
        <p class="notice" role="note" data-testid="revealing">
          Round {closed.round} is what your device alone sent: whoever has the model before and after it can
          compute your update.
        </p>
      )}
      {abandoned && closed?.outcome !== "aggregated" && (
        <p>
          Round {start.round} went on without this device: {abandoned}.
        </p>
      )}
    </>
  );
}

/** Said truthfully: texts that the host has handed out are no secret of this device. */
function sourceSentence({
  source,
  sampleCount,
  participantId,
  run,
}: ReturnType<Session["state"]["peek"]>): string {
  if (!source || sampleCount === null) return "";
  const pieces = `${formatCount(sampleCount)} training samples`;
  // Participant number k holds part k modulo their number.
  const shared = Number(participantId?.slice(1)) > (run?.config.devices ?? Number.POSITIVE_INFINITY);
  return source.kind === "own"
    ? `Your own text, ${source.fileName} (${pieces}): it stays in this tab.`
    : `Its texts: ${source.device} (${pieces}), handed out by the host in place of private ones${shared ? ", and to another device too" : ""}.`;
}
