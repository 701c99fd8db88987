/** All rounds of the run, the last one first. */
import type { HostView } from "@fedlodrop/protocol";
import { formatBytes, formatJoules, formatLoss, formatPercent, formatSeconds } from "../../ui/format.ts";
import { agreementOf } from "./agreement.ts";
import { METHOD_WORDS } from "./methods.ts";
import { roundCost } from "./totals.ts";

export function Timeline({ view: { rounds } }: { readonly view: HostView }) {
  const loss = (value: number | null) => (value === null ? "–" : formatLoss(value));
  const agreements = rounds.map(({ evaluation }) => evaluation && agreementOf(evaluation));
  const term = agreements.find((agreement) => agreement != null)?.term;
  return (
    <section class="card">
      <h2>Rounds</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: without it keys could not scroll the table. */}
      <section class="scroll" aria-label="Table of the rounds" tabIndex={0}>
        <table data-testid="rounds">
          <thead>
            <tr>
              <th>Round</th>
              <th class="words">Method</th>
              <th>Averaged in</th>
              <th>Mean rate</th>
              <th>Local loss</th>
              <th>Held-out loss</th>
              {term && <th>{term}</th>}
              <th>Bytes</th>
              <th>Time</th>
              <th>Deadline</th>
              <th>Energy (estimate)</th>
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
                  <td>{round.round}</td>
                  <td class="words">{METHOD_WORDS[round.method].title}</td>
                  <td>
                    {averaged} of {participants.length}
                  </td>
                  <td>{formatPercent(meanRate)}</td>
                  <td>{loss(round.trainLoss)}</td>
                  <td>{loss(round.testLoss)}</td>
                  {term && <td>{agreement?.value ?? "–"}</td>}
                  <td>{formatBytes(bytes)}</td>
                  <td>{formatSeconds(round.seconds)}</td>
                  <td>{formatSeconds(round.deadlineSeconds)}</td>
                  <td>
                    {energy.map(({ source, joules }) => `${formatJoules(joules)} (${source})`).join(", ") ||
                      "–"}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </section>
    </section>
  );
}
