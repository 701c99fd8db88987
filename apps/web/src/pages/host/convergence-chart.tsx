/** How far the rounds are from where training would stand still: gradients against what rounds let expect of them. */
import type { HostView } from "@fedlodrop/protocol";
import { convergence } from "@fedlodrop/run";
import { Chart } from "../../ui/chart.tsx";

export function ConvergenceChart({ view: { rounds } }: { readonly view: HostView }) {
  const points = convergence(rounds);
  if (points.length === 0) return null;
  return (
    <section class="card">
      <h2>Gradients and convergence bound</h2>
      <small>
        Squared norm of the training loss's gradient, averaged over the rounds so far, as devices report it;
        and what the rounds before let expect of it at most. The bound falls with the number of rounds and
        rises with the dropout rate. It is drawn once the training loss has fallen. Values above 1 are drawn
        on a logarithmic scale.
      </small>
      <Chart
        description="Mean squared gradient norm and its convergence bound over the rounds"
        xTitle="rounds"
        linearWithin={1}
        x={points.map(({ round }) => round)}
        lines={[
          {
            label: "measured",
            color: "--series-2",
            dots: true,
            values: points.map(({ measured }) => measured),
          },
          {
            label: "convergence bound",
            color: "--series-4",
            dashed: true,
            values: points.map(({ bound }) => bound),
          },
        ]}
      />
    </section>
  );
}
