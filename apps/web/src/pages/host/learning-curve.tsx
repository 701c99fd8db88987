/** The one chart of the stage: how the model does on unseen texts, and how much it has learnt by heart. */
import { ofArm, type RoundRecord } from "@fedlodrop/run";
import { Chart, type Line } from "../../ui/chart.tsx";
import { formatLoss } from "../../ui/format.ts";
import { type Comparison, compareArms } from "./comparison.ts";
import { ComparisonTable } from "./comparison-table.tsx";
import type { ReceivedView } from "./connection.ts";
import { tellStory } from "./story.ts";

export function LearningCurve({ view }: { readonly view: ReceivedView }) {
  const { config, baseTestLoss, earlier } = view;
  const comparison = compareArms(config, view.rounds);
  const rounds = ofArm(view.rounds, 0);
  const story = comparison === null ? tellStory(rounds, baseTestLoss) : { ...comparison, detail: "" };
  const test = rounds.findLast(({ testLoss }) => testLoss !== null)?.testLoss ?? null;
  const turns = Math.max(rounds.length, ...earlier.map(({ losses }) => losses.length - 1));
  return (
    <section class="card curve">
      <div class="row between">
        <h2>Mistakes on unseen texts (lower is better)</h2>
        <strong class="number" data-testid="loss">
          {test === null ? "–" : formatLoss(test)}
        </strong>
      </div>
      <p class={`headline ${story.kind}`} role="status" data-testid="story">
        {story.headline}
      </p>
      {story.detail !== "" && <small>{story.detail}</small>}
      {comparison && <ComparisonTable comparison={comparison} />}
      <Chart
        description={`${story.headline} ${story.detail}`}
        xTitle={comparison ? "rounds of each" : "rounds"}
        x={Array.from({ length: turns + 1 }, (_, turn) => turn)}
        {...(comparison === null && {
          band: { upper: 0, lower: 1, color: "--memorised", label: "memorised" },
        })}
        lines={[
          ...(comparison === null ? oneArm(rounds, baseTestLoss) : twoArms(comparison, baseTestLoss)),
          {
            label: "base model, unseen texts",
            color: "--series-3",
            dashed: true,
            values: Array.from({ length: turns + 1 }, () => baseTestLoss),
          },
          ...earlier.map(({ title, losses }, k) => ({
            label: `run before${earlier.length > 1 ? ` (${k - earlier.length})` : ""}, ${title}`,
            color: "--ghost",
            values: losses,
          })),
        ]}
      />
    </section>
  );
}

const testLosses = (rounds: readonly RoundRecord[], base: number | null): (number | null)[] => [
  base,
  ...rounds.map(({ testLoss }) => testLoss),
];

const oneArm = (rounds: readonly RoundRecord[], base: number | null): Line[] => [
  { label: "unseen texts", color: "--series-2", dots: true, values: testLosses(rounds, base) },
  {
    label: "the devices' own texts",
    color: "--series-1",
    dots: true,
    values: [null, ...rounds.map(({ evaluation }) => evaluation?.trainLoss ?? null)],
  },
];

const twoArms = ({ own, other }: Comparison, base: number | null): Line[] => [
  { label: own.title, color: "--series-1", dots: true, values: testLosses(own.rounds, base) },
  { label: other.title, color: "--series-2", dots: true, values: testLosses(other.rounds, base) },
];
