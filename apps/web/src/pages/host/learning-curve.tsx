/** The one chart of the stage: how the model does on unseen texts, and how much it has learnt by heart. */
import { ofArm, type RoundRecord } from "@fedlodrop/run";
import { Chart, type Line } from "../../ui/chart.tsx";
import { formatLoss } from "../../ui/format.ts";
import { say } from "../../words/words.ts";
import { type Comparison, compareArms, titleOf, whyWorse } from "./comparison.ts";
import { ComparisonTable } from "./comparison-table.tsx";
import type { ReceivedView } from "./connection.ts";
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
  const story =
    comparison === null
      ? tellStory(rounds, baseTestLoss, taskKind)
      : { ...comparison, detail: whyWorse(comparison, baseTestLoss) };
  const test = rounds.findLast(({ testLoss }) => testLoss !== null)?.testLoss ?? null;
  // Axes without a curve would tell nothing.
  const isMeasured = baseTestLoss !== null || test !== null || earlier.length > 0;
  const turns = Math.max(rounds.length, ...earlier.map(({ losses }) => losses.length - 1));
  return (
    <section class="card curve">
      <div class="row between">
        <h2>{say("curve.title")}</h2>
        <strong class="number" data-testid="loss">
          {test === null ? "–" : formatLoss(test)}
        </strong>
      </div>
      <p class={`headline ${story.kind}`} role="status" data-testid="story">
        {story.headline}
      </p>
      {story.detail !== "" && <small>{story.detail}</small>}
      {comparison && <ComparisonTable comparison={comparison} />}
      {isMeasured && (
        <Chart
          description={`${story.headline} ${story.detail}`}
          xTitle={say(comparison ? "curve.rounds-each" : "chart.rounds")}
          x={Array.from({ length: turns + 1 }, (_, turn) => turn)}
          {...(comparison === null && {
            band: { upper: 0, lower: 1, color: "--memorised", label: say("curve.memorised") },
          })}
          lines={[
            ...(comparison === null ? oneArm(rounds, baseTestLoss) : twoArms(comparison, baseTestLoss)),
            {
              label: say("curve.base"),
              color: "--series-3",
              dashed: true,
              values: Array.from({ length: turns + 1 }, () => baseTestLoss),
            },
            ...earlier.map(({ arm, losses }, k) => ({
              label:
                earlier.length > 1
                  ? say("curve.before-nth", { back: k - earlier.length, arm: titleOf(arm) })
                  : say("curve.before", { arm: titleOf(arm) }),
              color: "--ghost",
              values: losses,
            })),
          ]}
        />
      )}
    </section>
  );
}

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
    values: [null, ...rounds.map(({ evaluation }) => evaluation?.trainLoss ?? null)],
  },
];

const twoArms = ({ own, other }: Comparison, base: number | null): Line[] => [
  { label: own.title, color: "--series-1", dots: true, values: testLosses(own.rounds, base) },
  { label: other.title, color: "--series-2", dots: true, values: testLosses(other.rounds, base) },
];
