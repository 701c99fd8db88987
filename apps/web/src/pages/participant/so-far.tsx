/** What this device has given, and what has become of the model. */
import type { Given, RunDescription } from "@fedlodrop/protocol";
import { turnOf } from "@fedlodrop/run";
import { formatBytes, formatPercent } from "../../ui/format.ts";
import { verdict } from "../../ui/verdict.ts";
import { say } from "../../words/words.ts";
import { ownFigures } from "./own-figures.ts";
import type { ParticipantState } from "./state.ts";

interface SoFarProps {
  readonly state: ParticipantState;
  readonly run: RunDescription;
}

export function SoFar({ state, run }: SoFarProps) {
  const { bytes, bytesWithoutDropout, last } = ownFigures(state, run);
  const sent = bytesWithoutDropout === 0 ? 1 : bytes / bytesWithoutDropout;
  return (
    <section class="card">
      <h2>{say("part.title")}</h2>
      <p class="headline" data-testid="contribution">
        {partSentence(last)}
      </p>
      {bytes > 0 && (
        <div class="saving">
          <div
            class="saving-bar"
            role="img"
            aria-label={say("part.bar", { share: formatPercent(sent) })}
            style={`--sent: ${Math.min(1, sent)}`}
          />
          <small class="number">
            {sent < 1
              ? say("part.bytes-saved", {
                  bytes: formatBytes(bytes),
                  all: formatBytes(bytesWithoutDropout),
                })
              : say("part.bytes", { bytes: formatBytes(bytes) })}
          </small>
        </div>
      )}
      <ModelChange state={state} run={run} />
    </section>
  );
}

function partSentence(last: Given["last"]): string {
  if (last === null) return say("part.none");
  const { aggregatedCount: together, contribution } = last;
  const round = turnOf(last);
  if (together === 1) return say("part.alone", { round });
  return say("part.together", { count: together - 1, round, share: formatPercent(contribution) });
}

/** Before and after, as what the loss means: as unsure as choosing blindly among so many. */
export function ModelChange({ state: { heldOutLosses }, run }: SoFarProps) {
  const base = heldOutLosses.get(0)?.loss ?? null;
  const points = [...heldOutLosses]
    .filter(([round]) => round > 0)
    .map(([, { turn, loss }]) => ({ round: turn, testLoss: loss, ownGain: null }))
    .sort((a, b) => a.round - b.round);
  const found = verdict(points, base);
  const last = points.at(-1);
  return (
    <>
      <h2>{say("model.title")}</h2>
      <p class={`headline ${found?.kind ?? ""}`} data-testid="model-change">
        {found?.headline ?? say("model.later")}
      </p>
      {last && base !== null && run.task.kind === "language-model" && (
        <small>
          {say("model.unsure", {
            before: Math.round(Math.exp(base)),
            round: last.round,
            after: Math.round(Math.exp(last.testLoss)),
          })}
        </small>
      )}
    </>
  );
}
