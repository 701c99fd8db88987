/** Progress of what a device loads before its first round. */
import { formatBytes } from "../../ui/format.ts";
import type { ParticipantState } from "./state.ts";

export function Loading({ state: { files, warmingUp } }: { readonly state: ParticipantState }) {
  const all = [...files.values()];
  const received = all.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0);
  const total = all.reduce((sum, { receivedBytes, totalBytes }) => sum + (totalBytes ?? receivedBytes), 0);
  return (
    <section class="card" data-testid="loading">
      <h2>{warmingUp ? "Warming up" : "Downloading the base model"}</h2>
      <p>
        {warmingUp
          ? "A first practice step, thrown away afterwards: it prepares the processor or the GPU for this model."
          : "Its weights stay frozen; the rounds train only a small adapter beside them."}
      </p>
      {warmingUp ? (
        <progress aria-label="Warming up" />
      ) : (
        <progress aria-label="Download of the base model" max={total || 1} value={received} />
      )}
      <small class="number">
        {formatBytes(received)} of {formatBytes(total)}
      </small>
    </section>
  );
}
