/** All rounds of the run, the last one first. */
import type { HostView } from "@fedlodrop/protocol";
import { formatBytes, formatLoss, formatPercent, formatSeconds } from "../../ui/format.ts";
import { roundName } from "../../ui/round-name.ts";
import { Term, term } from "../../ui/symbols.tsx";
import { say } from "../../words/words.ts";
import { agreementOf } from "./agreement.ts";
import { energyWords } from "./energy-words.ts";
import { roundCost } from "./totals.ts";

export function Timeline({ view: { config, rounds } }: { readonly view: HostView }) {
  const loss = (value: number | null) => (value === null ? "–" : formatLoss(value));
  const agreements = rounds.map(({ evaluation }) => evaluation && agreementOf(evaluation));
  const agreed = agreements.find((agreement) => agreement != null)?.term;
  return (
    <section class="card">
      <h2>{say("timeline.title")}</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: without it keys could not scroll the table. */}
      <section class="scroll" aria-label={say("timeline.table")} tabIndex={0}>
        <table data-testid="rounds">
          <thead>
            <tr>
              <th>{say("column.round")}</th>
              <th class="words">{say("limits.method")}</th>
              <th>{say("timeline.averaged")}</th>
              <th>{say("timeline.mean-rate")}</th>
              <th>
                <Term of="timeline.local-loss" />
              </th>
              <th>
                <Term of="loss.held-out" />
              </th>
              {agreed && <th>{agreed}</th>}
              <th>{say("timeline.bytes")}</th>
              <th>{say("timeline.time")}</th>
              <th>{say("limit.deadline")}</th>
              <th>{say("column.energy")}</th>
            </tr>
          </thead>
          <tbody>
            {rounds.toReversed().map((round) => {
              const { participants } = round;
              const agreement = round.evaluation && agreementOf(round.evaluation);
              const { bytes, energy } = roundCost(round);
              const averaged = participants.filter(({ outcome }) => outcome === "aggregated").length;
              const meanRate =
                participants.reduce((total, { dropoutRate }) => total + dropoutRate, 0) /
                (participants.length || 1);
              return (
                <tr key={round.round}>
                  <td>{roundName(config, round)}</td>
                  <td class="words">{term(`method.${round.method}`)}</td>
                  <td>{say("timeline.of", { averaged, all: participants.length })}</td>
                  <td>{formatPercent(meanRate)}</td>
                  <td>{loss(round.trainLoss)}</td>
                  <td>{loss(round.testLoss)}</td>
                  {agreed && <td>{agreement?.value ?? "–"}</td>}
                  <td>{formatBytes(bytes)}</td>
                  <td>{formatSeconds(round.seconds)}</td>
                  <td>{formatSeconds(round.deadlineSeconds)}</td>
                  <td>{energyWords(energy)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </section>
    </section>
  );
}
