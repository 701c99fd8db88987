/** What this device has given, and what has become of the model. */
import type { RunDescription } from "@fedlodrop/protocol";
import { formatBytes, formatCount, formatPercent } from "../../ui/format.ts";
import { verdict } from "../../ui/verdict.ts";
import { ownFigures } from "./own-figures.ts";
import type { ParticipantState } from "./state.ts";

interface SoFarProps {
  readonly state: ParticipantState;
  readonly run: RunDescription;
}

export function SoFar({ state, run }: SoFarProps) {
  const { bytes, bytesWithoutDropout } = ownFigures(state.rounds, run);
  const sent = bytesWithoutDropout === 0 ? 1 : bytes / bytesWithoutDropout;
  return (
    <section class="card">
      <h2>Your part</h2>
      <p class="headline" data-testid="contribution">
        {partSentence(state)}
      </p>
      {bytes > 0 && (
        <div class="saving">
          <div
            class="saving-bar"
            role="img"
            aria-label={`${formatPercent(sent)} of what it would have been without dropout`}
            style={`--sent: ${Math.min(1, sent)}`}
          />
          <small class="number">
            {formatBytes(bytes)} received and sent
            {sent < 1 && `, of ${formatBytes(bytesWithoutDropout)} without dropout`}
          </small>
        </div>
      )}
      <ModelChange state={state} run={run} />
    </section>
  );
}

function partSentence({ rounds }: ParticipantState): string {
  const last = rounds.findLast(({ closed }) => closed?.outcome === "aggregated")?.closed;
  if (!last) return "Nothing yet: your first round is under way.";
  const { aggregatedCount: together, round, contribution } = last;
  if (together === 1) return `Your device alone made round ${round}.`;
  const others = together === 2 ? "1 other device" : `${together - 1} other devices`;
  return `You and ${others} made round ${round}; your part was ${formatPercent(contribution)}.`;
}

/** Before and after, as what the loss means: as unsure as choosing blindly among so many. */
export function ModelChange({ state: { heldOutLosses }, run }: SoFarProps) {
  const base = heldOutLosses.get(0) ?? null;
  const points = [...heldOutLosses]
    .filter(([round]) => round > 0)
    .map(([round, testLoss]) => ({ round, testLoss }))
    .sort((a, b) => a.round - b.round);
  const found = verdict(points, base);
  const last = points.at(-1);
  return (
    <>
      <h2>The model</h2>
      <p class={`headline ${found?.kind ?? ""}`} data-testid="model-change">
        {found?.headline ?? "It is measured after each round, on texts that nobody trains on."}
      </p>
      {last && base !== null && run.task.kind === "language-model" && (
        <small>
          For each next word piece of a new text it was as unsure as with a choice of{" "}
          {formatCount(Math.round(Math.exp(base)))}; after round {last.round}, of{" "}
          {formatCount(Math.round(Math.exp(last.testLoss)))}.
        </small>
      )}
    </>
  );
}
