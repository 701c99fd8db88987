/** The rounds this device took part in. */
import { formatBytes, formatJoules, formatLoss, formatPercent, formatSeconds } from "../../ui/format.ts";
import { OUTCOME_WORDS } from "../../ui/outcome-words.ts";
import type { ParticipantState } from "./state.ts";

export function History({ state: { rounds, heldOutLosses } }: { readonly state: ParticipantState }) {
  const loss = (value: number | undefined) => (value === undefined ? "–" : formatLoss(value));
  return (
    <div>
      <h3>Your rounds</h3>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: without it keys could not scroll the table on a phone. */}
      <section class="scroll" aria-label="Table of your rounds" tabIndex={0}>
        <table data-testid="history">
          <thead>
            <tr>
              <th>Round</th>
              <th class="words">Outcome</th>
              <th>Your share</th>
              <th>Dropout rate</th>
              <th>Last loss</th>
              <th>Held-out loss</th>
              <th>Down</th>
              <th>Up</th>
              <th>Computing</th>
              <th>Energy (estimate)</th>
            </tr>
          </thead>
          <tbody>
            {rounds
              .toReversed()
              .map(({ start, closed, step, bytesDown, bytesUp, secondsCompute, energy, abandoned }) => (
                <tr key={start.round}>
                  <td>{start.round}</td>
                  <td class="words">{closed ? OUTCOME_WORDS[closed.outcome] : (abandoned ?? "running")}</td>
                  <td>{closed ? formatPercent(closed.contribution) : "–"}</td>
                  <td>{formatPercent(start.dropoutRate)}</td>
                  <td>{loss(step?.loss)}</td>
                  <td>{loss(heldOutLosses.get(start.round))}</td>
                  <td>{formatBytes(bytesDown)}</td>
                  <td>{formatBytes(bytesUp)}</td>
                  <td>{secondsCompute === null ? "–" : formatSeconds(secondsCompute)}</td>
                  <td>{energy ? `${formatJoules(energy.joules)} (${energy.source})` : "–"}</td>
                </tr>
              ))}
          </tbody>
        </table>
      </section>
    </div>
  );
}
