/** The rounds this device took part in. */
import type { RunDescription } from "@fedlodrop/protocol";
import { formatBytes, formatJoules, formatLoss, formatPercent, formatSeconds } from "../../ui/format.ts";
import { roundName } from "../../ui/round-name.ts";
import { Term, term } from "../../ui/symbols.tsx";
import { say } from "../../words/words.ts";
import type { ParticipantState } from "./state.ts";

interface HistoryProps {
  readonly state: ParticipantState;
  readonly run: RunDescription;
}

export function History({ state: { rounds, heldOutLosses }, run }: HistoryProps) {
  const loss = (value: number | undefined) => (value === undefined ? "–" : formatLoss(value));
  return (
    <div>
      <h3>{say("history.title")}</h3>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: without it keys could not scroll the table on a phone. */}
      <section class="scroll" aria-label={say("history.table")} tabIndex={0}>
        <table data-testid="history">
          <thead>
            <tr>
              <th>{say("column.round")}</th>
              <th class="words">{say("column.outcome")}</th>
              <th>{say("history.share")}</th>
              <th>{term("rate.dropout")}</th>
              <th>
                <Term of="history.last-loss" />
              </th>
              <th>
                <Term of="loss.held-out" />
              </th>
              <th>{say("column.down")}</th>
              <th>{say("column.up")}</th>
              <th>{say("column.computing")}</th>
              <th>{say("column.energy")}</th>
            </tr>
          </thead>
          <tbody>
            {rounds
              .toReversed()
              .map(({ start, closed, step, bytesDown, bytesUp, secondsCompute, energy, abandoned }) => (
                <tr key={start.round}>
                  <td>{roundName(run.config, start)}</td>
                  <td class="words">
                    {closed
                      ? say(`outcome.${closed.outcome}`)
                      : say(abandoned === null ? "history.running" : "history.abandoned")}
                  </td>
                  <td>{closed ? formatPercent(closed.contribution) : "–"}</td>
                  <td>{formatPercent(start.dropoutRate)}</td>
                  <td>{loss(step?.loss)}</td>
                  <td>{loss(heldOutLosses.get(start.round)?.loss)}</td>
                  <td>{formatBytes(bytesDown)}</td>
                  <td>{formatBytes(bytesUp)}</td>
                  <td>{secondsCompute === null ? "–" : formatSeconds(secondsCompute)}</td>
                  <td>
                    {energy
                      ? say("energy.by", {
                          joules: formatJoules(energy.joules),
                          source: say(`energy.${energy.source}`),
                        })
                      : "–"}
                  </td>
                </tr>
              ))}
          </tbody>
        </table>
      </section>
    </div>
  );
}
