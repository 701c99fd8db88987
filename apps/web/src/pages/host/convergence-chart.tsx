/** How far the rounds are from where training would stand still: gradients against what rounds let expect of them. */
import type { HostView } from "@fedlodrop/protocol";
import { convergence, turnOf } from "@fedlodrop/run";
import { Chart } from "../../ui/chart.tsx";
import { sentences } from "../../ui/joined.ts";
import { forResearchers, Term } from "../../ui/symbols.tsx";
import { say } from "../../words/words.ts";

export function ConvergenceChart({ view: { rounds } }: { readonly view: HostView }) {
  const points = convergence(rounds);
  if (points.length === 0) return null;
  const turns = new Map(rounds.map((round) => [round.round, turnOf(round)]));
  return (
    <section class="card">
      <h2>
        <Term of="charts.convergence" />
      </h2>
      <small>
        {sentences(say("charts.convergence.about"), forResearchers(say("charts.convergence.terms")))}
      </small>
      <Chart
        description={say("charts.convergence.description")}
        xTitle={say("chart.rounds")}
        linearWithin={1}
        x={points.map(({ round }) => turns.get(round) ?? round)}
        lines={[
          {
            label: say("charts.convergence.measured"),
            color: "--series-2",
            dots: true,
            values: points.map(({ measured }) => measured),
          },
          {
            label: say("charts.convergence.bound"),
            color: "--series-4",
            dashed: true,
            values: points.map(({ bound }) => bound),
          },
        ]}
      />
    </section>
  );
}
