/** The last round, device by device: what was decided, what was foreseen, what came of it. */
import type { HostView } from "@fedlodrop/protocol";
import { COVERAGE, type ForeseenSeconds, foreseenSeconds, intervalsHeld, median } from "@fedlodrop/run";
import {
  formatBytes,
  formatCount,
  formatJoules,
  formatPercent,
  formatSeconds,
  formatSecondsBetween,
} from "../../ui/format.ts";
import { sentences } from "../../ui/joined.ts";
import { roundName } from "../../ui/round-name.ts";
import { term } from "../../ui/symbols.tsx";
import { Technical } from "../../ui/technical.tsx";
import { say } from "../../words/words.ts";
import { energyWords } from "./energy-words.ts";
import { exclusionWords } from "./exclusion-words.ts";
import { actualSeconds } from "./totals.ts";

export function DeviceTable({ view: { config, rounds } }: { readonly view: HostView }) {
  const last = rounds.at(-1);
  if (!last) return null;
  const planned = new Map(last.allocation?.devices.map((device) => [device.id, device]));
  const foreseen = foreseenSeconds(rounds);
  const errors = foreseen.flatMap(({ foreseen: seconds, actual }) =>
    actual === null ? [] : Math.abs(actual / seconds - 1),
  );
  const intervals = new Map(
    foreseen.filter(({ round }) => round === last.round).map(({ device, interval }) => [device, interval]),
  );
  const excluded = last.allocation?.devices.filter(({ excludedBecause }) => excludedBecause !== null) ?? [];
  return (
    <section class="card">
      <div class="row between">
        <h2>{say("devices.title", { round: roundName(config, last) })}</h2>
        {errors.length > 0 && (
          <small>
            {sentences(
              say("devices.off", { share: formatPercent(median(errors)) }),
              [...intervals.values()].some((interval) => interval !== null) ? intervalWords(foreseen) : "",
            )}
          </small>
        )}
        {last.allocation && <span class="chip">{say(`devices.links.${last.allocation.links}`)}</span>}
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: without it keys could not scroll the table. */}
      <section class="scroll" aria-label={say("devices.table")} tabIndex={0}>
        <table data-testid="device-table">
          <thead>
            <tr>
              <th>{say("devices.device")}</th>
              <th>{term("rate.dropout")}</th>
              {last.allocation && (
                <>
                  <th>{say("devices.share")}</th>
                  <th>{say("devices.foreseen")}</th>
                </>
              )}
              <th>{say("devices.actual")}</th>
              <th>{say("column.computing")}</th>
              {last.allocation && <th>{say("devices.foreseen-energy")}</th>}
              <th>{say("column.energy")}</th>
              <th>{say("column.down")}</th>
              <th>{say("column.up")}</th>
              <th class="words">{say("column.outcome")}</th>
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
                      <td>
                        {plan ? foreseenWords(plan.predictedSeconds, intervals.get(participant.id)) : "–"}
                      </td>
                    </>
                  )}
                  <td>{actual === null ? "–" : formatSeconds(actual)}</td>
                  <td>{secondsCompute === null ? "–" : formatSeconds(secondsCompute)}</td>
                  {last.allocation && <td>{plan ? formatJoules(plan.predictedJoules) : "–"}</td>}
                  <td>
                    {energyJoules === null || energySource === null
                      ? "–"
                      : energyWords([{ joules: energyJoules, source: energySource }])}
                  </td>
                  <td>{formatBytes(bytesDown)}</td>
                  <td>{formatBytes(bytesUp)}</td>
                  <td class="words">{say(`outcome.${outcome}`)}</td>
                </tr>
              );
            })}
            {excluded.map(({ id, excludedBecause, exclusion }) => (
              <tr key={id}>
                <td>{id}</td>
                <td class="words" colSpan={10}>
                  {exclusion
                    ? say("devices.left-out", { why: exclusionWords(exclusion) })
                    : say("devices.left-out-only")}
                  <Technical>{excludedBecause}</Technical>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}

const foreseenWords = (seconds: number, interval: ForeseenSeconds["interval"] = null): string =>
  interval === null
    ? formatSeconds(seconds)
    : say("devices.foreseen-within", {
        seconds: formatSeconds(seconds),
        ends: formatSecondsBetween(...interval),
      });

/** What intervals are meant to hold, and how many have. */
function intervalWords(foreseen: readonly ForeseenSeconds[]): string {
  const { held, of: count } = intervalsHeld(foreseen);
  return sentences(
    say("devices.interval.about", { share: formatPercent(COVERAGE) }),
    count === 0 ? "" : say("devices.interval.held", { held: formatCount(held), count }),
  );
}
