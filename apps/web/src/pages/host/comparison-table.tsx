/** What two arms of one run have come to after as many rounds of each, and the costs of that. */
import { formatBytes, formatLoss, formatSeconds } from "../../ui/format.ts";
import { say } from "../../words/words.ts";
import type { ArmSoFar, Comparison } from "./comparison.ts";
import { energyWords } from "./energy-words.ts";

export function ComparisonTable({ comparison: { own, other, turn } }: { readonly comparison: Comparison }) {
  return (
    <table class="arms" data-testid="arms">
      <thead>
        <tr>
          <th class="words">{say("compare.after", { count: turn })}</th>
          <th>{say("compare.mistakes")}</th>
          <th>{say("compare.sent")}</th>
          <th>{say("compare.time")}</th>
          <th>{say("energy.term")}</th>
        </tr>
      </thead>
      <tbody>
        {[own, other].map((arm) => (
          <Row key={arm.arm} arm={arm} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ arm: { arm, title, loss, bytes, seconds, energy } }: { readonly arm: ArmSoFar }) {
  return (
    <tr data-arm={arm}>
      <th class="words" scope="row">
        {title}
      </th>
      <td>{loss === null ? "–" : formatLoss(loss)}</td>
      <td>{formatBytes(bytes)}</td>
      <td>{formatSeconds(seconds)}</td>
      <td>{energyWords(energy)}</td>
    </tr>
  );
}
