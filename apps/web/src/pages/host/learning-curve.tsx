/** The one chart of the stage: how the model does on unseen texts, and how much it has learnt by heart. */
import { ofArm, type RoundRecord, type TaskKind } from "@fedlodrop/run";
import { Chart, type Line } from "../../ui/chart.tsx";
import type { Band } from "../../ui/filled.ts";
import { formatLoss } from "../../ui/format.ts";
import { sentences } from "../../ui/joined.ts";
import { NOISE_OF_MODELS } from "../../ui/noise.ts";
import { say } from "../../words/words.ts";
import { type Comparison, compareArms, isAboutDropout, whatBecame } from "./comparison.ts";
import { ComparisonTable } from "./comparison-table.tsx";
import type { ReceivedView } from "./connection.ts";
import { ghostsOf } from "./ghosts.ts";
import { tellStory } from "./story.ts";

type LearningCurveProps = Pick<
  ReceivedView,
  "rounds" | "past" | "config" | "taskKind" | "baseTestLoss" | "earlier"
>;

export function LearningCurve({
  rounds: all,
  past,
  config,
  taskKind,
  baseTestLoss,
  earlier,
}: LearningCurveProps) {
  const comparison = compareArms(config, all, past);
  const rounds = ofArm(all, 0);
  const { kind, headline, details, isMemorised } =
    comparison === null
      ? oneStory(rounds, baseTestLoss, taskKind)
      : { ...comparison, details: whatBecame(comparison, baseTestLoss), isMemorised: false };
  const last = rounds.findLast(({ testLoss }) => testLoss !== null)?.testLoss ?? null;
  const test = comparison === null ? last : comparison.own.loss;
  // Axes without a curve would tell nothing.
  const isMeasured = baseTestLoss !== null || last !== null || earlier.length > 0;
  const turns = Math.max(
    rounds.length,
    ...earlier.flatMap(({ arms }) => arms.map(({ losses }) => losses.length - 1)),
  );
  return (
    <section class="card curve">
      <div class="row between">
        <h2>{say("curve.title")}</h2>
        <strong class="number" data-testid="loss">
          {test === null ? "–" : formatLoss(test)}
        </strong>
      </div>
      <small>{say(`loss.about.${taskKind}`)}</small>
      <p class={`headline ${kind}`} data-testid="story">
        {headline}
      </p>
      {isMeasured && (
        <Chart
          description={sentences(headline, ...details)}
          xTitle={say(comparison ? "curve.rounds-each" : "chart.rounds")}
          x={Array.from({ length: turns + 1 }, (_, turn) => turn)}
          {...(isMemorised && { band: filled(say("curve.memorised"), NOISE_OF_MODELS) })}
          {...(comparison !== null &&
            isAboutDropout(config) && { band: filled(say("compare.spared"), NOISE_OF_MODELS) })}
          lines={[
            ...(comparison === null ? oneArm(rounds, baseTestLoss) : twoArms(comparison, baseTestLoss)),
            {
              label: say(comparison ? "compare.base" : "curve.base"),
              color: "--series-3",
              dashed: true,
              values: Array.from({ length: turns + 1 }, () => baseTestLoss),
            },
            ...ghostsOf(earlier),
          ]}
        />
      )}
      {details.length > 0 && (
        <p class="became">
          {details.map((detail) => (
            <small key={detail} data-testid="story-detail">
              {detail}
            </small>
          ))}
        </p>
      )}
      {comparison && comparison.turn > 0 && <ComparisonTable comparison={comparison} />}
    </section>
  );
}

function oneStory(rounds: readonly RoundRecord[], base: number | null, taskKind: TaskKind) {
  const { detail, ...story } = tellStory(rounds, base, taskKind);
  return { ...story, details: detail === "" ? [] : [detail] };
}

/** Between the first two lines. @param least nats */
const filled = (label: string, least: number): Band => ({
  ...{ upper: 0, lower: 1, least, color: "--memorised", label },
});

const testLosses = (rounds: readonly RoundRecord[], base: number | null): (number | null)[] => [
  base,
  ...rounds.map(({ testLoss }) => testLoss),
];

const oneArm = (rounds: readonly RoundRecord[], base: number | null): Line[] => [
  { label: say("curve.unseen"), color: "--series-2", dots: true, values: testLosses(rounds, base) },
  {
    label: say("curve.own"),
    color: "--series-1",
    dots: true,
    values: [
      rounds.findLast(({ evaluation }) => evaluation !== null)?.evaluation?.baseTrainLoss ?? null,
      ...rounds.map(({ evaluation }) => evaluation?.trainLoss ?? null),
    ],
  },
];

/** What is drawn first lies below: the other arm's filling is not to cover the run's own line. */
const twoArms = ({ own, other }: Comparison, base: number | null): Line[] => [
  { label: other.title, color: "--series-2", dots: true, values: testLosses(other.rounds, base) },
  { label: own.title, color: "--series-1", dots: true, values: testLosses(own.rounds, base) },
];
