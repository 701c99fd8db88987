/** The last round, device by device: what was decided, what was foreseen, what came of it. */
import type { HostView } from "@fedlodrop/protocol";
import { median } from "@fedlodrop/run";
import { formatBytes, formatJoules, formatPercent, formatSeconds } from "../../ui/format.ts";
import { OUTCOME_WORDS } from "../../ui/outcome-words.ts";
import { actualSeconds, latencyErrors } from "./totals.ts";

export function DeviceTable({ view: { rounds } }: { readonly view: HostView }) {
  const last = rounds.at(-1);
  if (!last) return null;
  const planned = new Map(last.allocation?.devices.map((device) => [device.id, device]));
  const errors = latencyErrors(rounds).map(Math.abs);
  const excluded = last.allocation?.devices.filter(({ excludedBecause }) => excludedBecause !== null) ?? [];
  return (
    <section class="card">
      <div class="row between">
        <h2>Round {last.round}, device by device</h2>
        {errors.length > 0 && (
          <small>Foreseen times are off by {formatPercent(median(errors))} in the median of this run.</small>
        )}
        {last.allocation && <span class="chip">{last.allocation.links} links</span>}
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: without it keys could not scroll the table. */}
      <section class="scroll" aria-label="Table of the devices" tabIndex={0}>
        <table data-testid="device-table">
          <thead>
            <tr>
              <th>Device</th>
              <th>Dropout rate</th>
              {last.allocation && (
                <>
                  <th>Link share</th>
                  <th>Foreseen time</th>
                </>
              )}
              <th>Actual time</th>
              <th>Computing</th>
              {last.allocation && <th>Foreseen energy</th>}
              <th>Energy (estimate)</th>
              <th>Down</th>
              <th>Up</th>
              <th class="words">Outcome</th>
            </tr>
          </thead>
          <tbody>
            {last.participants.map((participant) => {
              const plan = planned.get(participant.id);
              const actual = actualSeconds(participant);
              const {
                nickname,
                dropoutRate,
                secondsCompute,
                energyJoules,
                energySource,
                bytesDown,
                bytesUp,
                outcome,
              } = participant;
              return (
                <tr key={participant.id}>
                  <td>
                    {nickname} <small>{participant.id}</small>
                  </td>
                  <td>{formatPercent(dropoutRate)}</td>
                  {last.allocation && (
                    <>
                      <td>{plan?.share == null ? "–" : formatPercent(plan.share)}</td>
                      <td>{plan ? formatSeconds(plan.predictedSeconds) : "–"}</td>
                    </>
                  )}
                  <td>{actual === null ? "–" : formatSeconds(actual)}</td>
                  <td>{secondsCompute === null ? "–" : formatSeconds(secondsCompute)}</td>
                  {last.allocation && <td>{plan ? formatJoules(plan.predictedJoules) : "–"}</td>}
                  <td>{energyJoules === null ? "–" : `${formatJoules(energyJoules)} (${energySource})`}</td>
                  <td>{formatBytes(bytesDown)}</td>
                  <td>{formatBytes(bytesUp)}</td>
                  <td class="words">{OUTCOME_WORDS[outcome]}</td>
                </tr>
              );
            })}
            {excluded.map(({ id, excludedBecause }) => (
              <tr key={id}>
                <td>{id}</td>
                <td class="words" colSpan={10}>
                  left out of the round: {excludedBecause}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}
