/** The one chart of the stage: how the model does on unseen texts, and how much it has learnt by heart. */
import { Chart } from "../../ui/chart.tsx";
import { formatLoss } from "../../ui/format.ts";
import type { ReceivedView } from "./connection.ts";
import { tellStory } from "./story.ts";

export function LearningCurve({ view: { rounds, baseTestLoss } }: { readonly view: ReceivedView }) {
  const story = tellStory(rounds, baseTestLoss);
  const test = rounds.findLast(({ testLoss }) => testLoss !== null)?.testLoss ?? null;
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
      <Chart
        description={`${story.headline} ${story.detail}`}
        xTitle="rounds"
        x={[0, ...rounds.map(({ round }) => round)]}
        band={{ upper: 0, lower: 1, color: "--memorised", label: "memorised" }}
        lines={[
          {
            label: "unseen texts",
            color: "--series-2",
            dots: true,
            values: [baseTestLoss, ...rounds.map(({ testLoss }) => testLoss)],
          },
          {
            label: "the devices' own texts",
            color: "--series-1",
            dots: true,
            values: [null, ...rounds.map(({ evaluation }) => evaluation?.trainLoss ?? null)],
          },
          {
            label: "base model, unseen texts",
            color: "--series-3",
            dashed: true,
            values: [baseTestLoss, ...rounds.map(() => baseTestLoss)],
          },
        ]}
      />
    </section>
  );
}
