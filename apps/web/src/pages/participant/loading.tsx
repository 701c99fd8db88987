/** What a device loads before its first round, and what the run is about. */
import type { RunDescription } from "@fedlodrop/protocol";
import { formatBytes } from "../../ui/format.ts";
import type { ParticipantState } from "./state.ts";

interface LoadingProps {
  readonly state: ParticipantState;
  readonly run: RunDescription;
}

export function Loading({ state: { files, warmingUp }, run }: LoadingProps) {
  const all = [...files.values()];
  const received = all.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0);
  const total = all.reduce((sum, { receivedBytes, totalBytes }) => sum + (totalBytes ?? receivedBytes), 0);
  return (
    <section class="card narrow" data-testid="loading">
      <h2 class="status" tabIndex={-1} data-testid="status">
        Getting ready
      </h2>
      <p>
        {warmingUp
          ? "A first practice step, thrown away afterwards, prepares the processor or the GPU."
          : "The language model is on its way. It stays as it is; the rounds train a small adapter beside it."}
      </p>
      {warmingUp ? (
        <progress aria-label="Warming up" />
      ) : (
        <progress aria-label="Download of the base model" max={total || 1} value={received} />
      )}
      <small class="number">
        {formatBytes(received)} of {formatBytes(total)}
      </small>
      <p>
        <strong>{run.task.title}.</strong> {run.task.story}
      </p>
    </section>
  );
}
