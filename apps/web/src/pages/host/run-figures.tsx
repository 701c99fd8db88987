/** What the run has reached and cost so far, and its files. */
import { Figure } from "../../ui/figure.tsx";
import { formatBytes, formatLoss, formatPercent, formatSeconds, significant } from "../../ui/format.ts";
import { sentences } from "../../ui/joined.ts";
import { roundName } from "../../ui/round-name.ts";
import { Term } from "../../ui/symbols.tsx";
import { say } from "../../words/words.ts";
import { agreementOf } from "./agreement.ts";
import type { ReceivedView } from "./connection.ts";
import { Downloads } from "./downloads.tsx";
import { energyWords } from "./energy-words.ts";
import { bytesSoFar, energySoFar } from "./rounds-so-far.ts";
import { trafficOf } from "./traffic.ts";

interface RunFiguresProps {
  readonly view: ReceivedView;
  readonly hostKey: string;
}

export function RunFigures({ view: { rounds, past, config, baseTestLoss }, hostKey }: RunFiguresProps) {
  const { down, up } = bytesSoFar(rounds, config.valueType, past);
  const { arm, sent, all } = trafficOf(config, rounds, past);
  const saved = formatPercent(1 - sent / all);
  const last = rounds.at(-1);
  // Evaluations come while later rounds are under way.
  const evaluated = rounds.findLast(({ testLoss }) => testLoss !== null);
  const energy = energySoFar(rounds, past);
  const seconds = rounds.reduce((total, round) => total + round.seconds, 0);
  const onDevices = rounds.findLast(({ evaluation }) => evaluation?.onDevices)?.evaluation?.onDevices;
  const agreement = evaluated?.evaluation ? agreementOf(evaluated.evaluation) : null;
  const solved = last?.allocation;
  return (
    <section class="card">
      <h2>{say("figures.title")}</h2>
      <dl class="figures">
        <Figure
          term={<Term of="loss.held-out" />}
          value={evaluated?.testLoss == null ? null : formatLoss(evaluated.testLoss)}
        >
          {sentences(
            evaluated && say("figures.after", { round: roundName(config, evaluated) }),
            baseTestLoss !== null && say("figures.base", { loss: formatLoss(baseTestLoss) }),
          )}
        </Figure>
        {onDevices && (
          <Figure term={<Term of="figures.on-devices" />} value={formatLoss(onDevices.testLoss)}>
            {say("figures.on-devices-of", {
              count: onDevices.devices.length,
              loss: formatLoss(onDevices.baseTestLoss),
            })}
          </Figure>
        )}
        {agreement !== null && (
          <Figure term={agreement.term} value={agreement.value}>
            {agreement.others}
          </Figure>
        )}
        <Figure term={say("figures.bytes")} value={formatBytes(down + up)} testId="bytes">
          {say("figures.bytes.about", { down: formatBytes(down), up: formatBytes(up) })}
        </Figure>
        <Figure term={<Term of="figures.without" />} value={formatBytes(all)} testId="bytes-without-dropout">
          {all > 0 &&
            (arm === null
              ? say("figures.without.about", { share: saved })
              : say("figures.without.about-arm", { arm, share: saved }))}
        </Figure>
        <Figure term={say("figures.time")} value={formatSeconds(seconds)}>
          {say(`figures.${config.links}`)}
        </Figure>
        <Figure term={say("energy.term")} value={energyWords(energy)}>
          {say("figures.energy.about")}
        </Figure>
        {solved && (
          <Figure term={<Term of="figures.objective" />} value={significant(solved.objective, 4)}>
            {sentences(
              solved.gap !== null &&
                say(solved.certified ? "figures.certified" : "figures.within", {
                  gap: formatPercent(solved.gap),
                }),
              solved.milliseconds === null
                ? say("figures.unlooked")
                : say(solved.fallback ? "figures.fallback" : "figures.solved", {
                    time: formatSeconds(solved.milliseconds / 1000),
                  }),
            )}
          </Figure>
        )}
      </dl>
      <Downloads hostKey={hostKey} />
    </section>
  );
}
