/** What two arms of one run have come to: one line, and the costs of each. */
import { formatBytes, formatJoules, formatLoss, formatSeconds } from "../../ui/format.ts";
import type { ArmSoFar, Comparison } from "./comparison.ts";

export function ComparisonTable({ comparison: { own, other } }: { readonly comparison: Comparison }) {
  return (
    <table class="arms" data-testid="arms">
      <thead>
        <tr>
          <th class="words">Same devices, texts and seeds</th>
          <th>Mistakes</th>
          <th>Sent</th>
          <th>Time</th>
          <th>Energy (estimate)</th>
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

function Row({ arm: { arm, title, rounds, bytes, seconds, energy } }: { readonly arm: ArmSoFar }) {
  const loss = rounds.findLast(({ testLoss }) => testLoss !== null)?.testLoss ?? null;
  return (
    <tr data-arm={arm}>
      <th class="words" scope="row">
        {title}
      </th>
      <td>{loss === null ? "–" : formatLoss(loss)}</td>
      <td>{formatBytes(bytes)}</td>
      <td>{formatSeconds(seconds)}</td>
      <td>{energy.map(({ joules, source }) => `${formatJoules(joules)} ${source}`).join(", ") || "–"}</td>
    </tr>
  );
}
