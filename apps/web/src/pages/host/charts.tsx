/** Loss, and the generalisation gap beside its bound, over the rounds. */
import type { HostView } from "@fedlodrop/protocol";
import type { BoundEstimate } from "@fedlodrop/run";
import { Chart } from "../../ui/chart.tsx";
import { Figure } from "../../ui/figure.tsx";
import { formatLoss, formatPercent } from "../../ui/format.ts";
import { ConvergenceChart } from "./convergence-chart.tsx";

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

function LossChart({ view: { rounds, baseTestLoss } }: { readonly view: HostView }) {
  const evaluated = rounds.findLast(({ testLoss }) => testLoss !== null);
  const test = evaluated?.testLoss ?? null;
  return (
    <section class="card">
      <div class="row between">
        <h2>Loss</h2>
        <strong class="number" data-testid="loss">
          {test === null ? "–" : formatLoss(test)}
        </strong>
      </div>
      <small>
        How surprised the model is, in nats; lower is better. Held-out texts are ones no device trains on.
      </small>
      <Chart
        description={`Held-out loss after ${evaluated?.round ?? rounds.length} rounds: ${test === null ? "not measured" : formatLoss(test)}`}
        xTitle="rounds"
        x={[0, ...rounds.map(({ round }) => round)]}
        lines={[
          {
            label: "held-out",
            color: "--series-2",
            dots: true,
            values: [baseTestLoss, ...rounds.map(({ testLoss }) => testLoss)],
          },
          {
            label: "training texts",
            color: "--series-1",
            dots: true,
            values: [null, ...rounds.map(({ evaluation, trainLoss }) => evaluation?.trainLoss ?? trainLoss)],
          },
          {
            label: "base model, held-out",
            color: "--series-3",
            dashed: true,
            values: [baseTestLoss, ...rounds.map(() => baseTestLoss)],
          },
        ]}
      />
    </section>
  );
}

/** Four significant digits in plain or, where that would be long, in scientific notation. */
const shortNumber = (value: number): string => String(Number(value.toPrecision(4)));

function Constants({ constants }: { readonly constants: BoundEstimate }) {
  const {
    lossRange,
    gradientNorm,
    ridge,
    minCurvature,
    exampleCount,
    confidence,
    gapScale,
    varianceCoefficient,
    rateCap,
  } = constants;
  return (
    <details>
      <summary>
        The bound's constants:{" "}
        {constants.source === "default" ? "still the defaults" : "estimated from this run"}
      </summary>
      <dl class="figures">
        <Figure term="C" value={shortNumber(lossRange)}>
          Range of the losses, nats.
        </Figure>
        <Figure term="ρ" value={shortNumber(gradientNorm)}>
          How steep the loss can be.
        </Figure>
        <Figure term="λ" value={shortNumber(ridge)}>
          How firmly dropout holds the adapter to its start.
        </Figure>
        <Figure term="Λ min" value={shortNumber(minCurvature)}>
          Least curvature of the loss.
        </Figure>
        <Figure term="n" value={shortNumber(exampleCount)}>
          Training samples of all devices.
        </Figure>
        <Figure term="δ" value={shortNumber(confidence)}>
          Probability that the bound fails.
        </Figure>
        <Figure term="κ" value={shortNumber(gapScale)}>
          What a round's rates do to the gap, over what the pure bound says.
        </Figure>
        <Figure term="A" value={shortNumber(varianceCoefficient)}>
          What dropout adds to a round's training loss.
        </Figure>
        <Figure term="θ" value={rateCap === null ? "unknown" : formatPercent(rateCap)}>
          Largest rate at which a round still lowers the training loss: none is chosen above it.
        </Figure>
      </dl>
    </details>
  );
}

function GapChart({ view: { rounds } }: { readonly view: HostView }) {
  const last = rounds.at(-1)?.allocation;
  const measured = rounds.findLast(({ allocation }) => allocation?.measuredGap != null)?.allocation;
  return (
    <section class="card">
      <div class="row between">
        <h2>Generalisation gap and bound</h2>
        <strong class="number">
          {measured?.measuredGap == null ? "–" : formatLoss(measured.measuredGap)}
        </strong>
      </div>
      <small>
        The gap is held-out minus training loss: how much the model remembers rather than learns. The bound's
        term is what was foreseen of it, with a band once rounds have shown how far that is off, or the
        theorem's own value where nothing is measured. Values above 0.1 are drawn on a logarithmic scale.
      </small>
      <Chart
        description="Measured generalisation gap and the two terms of the bound over the rounds"
        xTitle="rounds"
        linearWithin={0.1}
        x={rounds.map(({ round }) => round)}
        lines={[
          {
            label: "measured gap",
            color: "--series-2",
            dots: true,
            values: rounds.map(({ allocation }) => allocation?.measuredGap ?? null),
          },
          {
            label: "bound: generalisation term",
            color: "--series-4",
            dots: true,
            values: rounds.map(({ allocation }) => allocation?.generalisationTerm ?? null),
          },
          ...([-1, 1] as const).map((sign) => ({
            label: sign < 0 ? "band: from" : "band: to",
            color: "--series-4",
            dashed: true,
            values: rounds.map(({ allocation }) => {
              const deviation = allocation?.constants.gapDeviation ?? null;
              return allocation === null || deviation === null
                ? null
                : allocation.generalisationTerm + sign * deviation;
            }),
          })),
          {
            label: "bound: empirical term",
            color: "--series-3",
            dashed: true,
            values: rounds.map(({ allocation }) => allocation?.empiricalTerm ?? null),
          },
        ]}
      />
      {last && <Constants constants={last.constants} />}
    </section>
  );
}
