/** What the run has reached and cost so far, and its files. */
import { Figure } from "../../ui/figure.tsx";
import { formatBytes, formatJoules, formatLoss, formatPercent, formatSeconds } from "../../ui/format.ts";
import { agreementOf } from "./agreement.ts";
import type { ReceivedView } from "./connection.ts";
import { Downloads } from "./downloads.tsx";
import { bytesSoFar, energySoFar } from "./rounds-so-far.ts";

interface RunFiguresProps {
  readonly view: ReceivedView;
  readonly hostKey: string;
}

export function RunFigures({ view: { rounds, past, config, baseTestLoss }, hostKey }: RunFiguresProps) {
  const { down, up, withoutDropout } = bytesSoFar(rounds, config.valueType, past);
  const last = rounds.at(-1);
  // Evaluations come while later rounds are under way.
  const evaluated = rounds.findLast(({ testLoss }) => testLoss !== null);
  const energy = energySoFar(rounds, past);
  const seconds = rounds.reduce((total, round) => total + round.seconds, 0);
  const agreement = evaluated?.evaluation ? agreementOf(evaluated.evaluation) : null;
  const solved = last?.allocation;
  return (
    <section class="card">
      <h2>So far</h2>
      <dl class="figures">
        <Figure
          term="Held-out loss"
          value={evaluated?.testLoss == null ? null : formatLoss(evaluated.testLoss)}
        >
          {evaluated && `After round ${evaluated.round}. `}
          {baseTestLoss === null ? "" : `Base model: ${formatLoss(baseTestLoss)}.`}
        </Figure>
        {agreement !== null && (
          <Figure term={agreement.term} value={agreement.value}>
            {agreement.others}
          </Figure>
        )}
        <Figure term="Bytes sent" value={formatBytes(down + up)} testId="bytes">
          {formatBytes(down)} down, {formatBytes(up)} up.
        </Figure>
        <Figure term="Without dropout" value={formatBytes(withoutDropout)} testId="bytes-without-dropout">
          {withoutDropout > 0 && `FedLoRA's bytes; ${formatPercent(1 - (down + up) / withoutDropout)} saved.`}
        </Figure>
        <Figure term="Time in rounds" value={formatSeconds(seconds)}>
          {config.links === "measured" ? "Measured." : "Measured, over emulated links."}
        </Figure>
        <Figure
          term="Energy"
          value={energy.map(({ source, joules }) => `≈ ${formatJoules(joules)} ${source}`).join(", ")}
        >
          All devices, as they estimate it; estimates of different kinds are not added up.
        </Figure>
        {solved && (
          <Figure term="Objective" value={solved.objective.toPrecision(4)}>
            {solved.gap === null
              ? ""
              : `Within ${formatPercent(solved.gap)} of the optimum${solved.certified ? ", certified" : ""}; `}
            {solved.milliseconds === null
              ? "The bound at these rates, which the method did not look at."
              : `solved in ${formatSeconds(solved.milliseconds / 1000)}${solved.fallback ? ", time ran out: P-SCA's answer" : ""}.`}
          </Figure>
        )}
      </dl>
      <Downloads hostKey={hostKey} />
    </section>
  );
}
