/** Loss, and the generalisation gap beside its bound, over the rounds. */
import type { HostView } from "@fedlodrop/protocol";
import { turnOf } from "@fedlodrop/run";
import { Chart } from "../../ui/chart.tsx";
import { formatLoss } from "../../ui/format.ts";
import { sentences } from "../../ui/joined.ts";
import { forResearchers, Term, term } from "../../ui/symbols.tsx";
import { say } from "../../words/words.ts";
import { BoundConstants } from "./bound-constants.tsx";
import { ConvergenceChart } from "./convergence-chart.tsx";
import { gapSeries } from "./gap-series.ts";

export function Charts({ view }: { readonly view: HostView }) {
  const bounded = view.rounds.some(({ allocation }) => allocation !== null);
  return (
    <>
      <LossChart view={view} />
      {bounded && <GapChart view={view} />}
      {bounded && <ConvergenceChart view={view} />}
    </>
  );
}

function LossChart({ view: { rounds, baseTestLoss, taskKind } }: { readonly view: HostView }) {
  const evaluated = rounds.findLast(({ testLoss }) => testLoss !== null);
  const test = evaluated?.testLoss ?? null;
  return (
    <section class="card">
      <div class="row between">
        <h2>
          <Term of="loss.title" />
        </h2>
        <strong class="number" data-testid="loss">
          {test === null ? "–" : formatLoss(test)}
        </strong>
      </div>
      <small>
        {sentences(
          say(`loss.about.${taskKind}`),
          say("loss.about.unseen"),
          forResearchers(say(`loss.unit.${taskKind}`)),
        )}
      </small>
      <Chart
        description={say("charts.loss.description", {
          count: evaluated ? turnOf(evaluated) : rounds.length,
          loss: test === null ? say("charts.not-measured") : formatLoss(test),
        })}
        xTitle={say("chart.rounds")}
        x={[0, ...rounds.map(turnOf)]}
        lines={[
          {
            label: say("charts.held-out"),
            color: "--series-2",
            dots: true,
            values: [baseTestLoss, ...rounds.map(({ testLoss }) => testLoss)],
          },
          {
            label: say("charts.training"),
            color: "--series-1",
            dots: true,
            values: [null, ...rounds.map(({ evaluation, trainLoss }) => evaluation?.trainLoss ?? trainLoss)],
          },
          {
            label: say("charts.base"),
            color: "--series-3",
            dashed: true,
            values: [baseTestLoss, ...rounds.map(() => baseTestLoss)],
          },
        ]}
      />
    </section>
  );
}

function GapChart({ view: { rounds } }: { readonly view: HostView }) {
  const last = rounds.at(-1)?.allocation;
  const { measured, foreseen, low, high } = gapSeries(rounds);
  const newest = measured.findLast((gap) => gap !== null) ?? null;
  return (
    <section class="card">
      <div class="row between">
        <h2>
          <Term of="charts.gap" />
        </h2>
        <strong class="number">{newest === null ? "–" : formatLoss(newest)}</strong>
      </div>
      <small>{sentences(say("charts.gap.about"), forResearchers(say("charts.gap.terms")))}</small>
      <Chart
        description={say("charts.gap.description")}
        xTitle={say("chart.rounds")}
        linearWithin={0.1}
        x={rounds.map(turnOf)}
        lines={[
          {
            label: say("charts.gap.measured"),
            color: "--series-2",
            dots: true,
            values: measured,
          },
          {
            label: term("charts.gap.term"),
            color: "--series-4",
            dots: true,
            values: foreseen,
          },
          { label: say("charts.gap.from"), color: "--series-4", dashed: true, values: low },
          { label: say("charts.gap.to"), color: "--series-4", dashed: true, values: high },
          {
            label: term("charts.gap.empirical"),
            color: "--series-3",
            dashed: true,
            values: rounds.map(({ allocation }) => allocation?.empiricalTerm ?? null),
          },
        ]}
      />
      {last && <BoundConstants constants={last.constants} />}
    </section>
  );
}
