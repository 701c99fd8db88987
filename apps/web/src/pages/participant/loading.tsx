/** What a device loads before its first round, and what the run is about. */
import type { RunDescription } from "@fedlodrop/protocol";
import { formatBytes } from "../../ui/format.ts";
import { taskStory, taskTitle } from "../../ui/task-words.ts";
import { say } from "../../words/words.ts";
import type { ParticipantState } from "./state.ts";

interface LoadingProps {
  readonly state: ParticipantState;
  readonly run: RunDescription;
}

export function Loading({ state: { files, warmingUp, unsureBytes }, run }: LoadingProps) {
  const all = [...files.values()];
  const received = all.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0);
  const total = all.reduce((sum, { receivedBytes, totalBytes }) => sum + (totalBytes ?? receivedBytes), 0);
  return (
    <section class="card narrow" data-testid="loading">
      <h2 class="status" tabIndex={-1} data-testid="status">
        {say("loading.title")}
      </h2>
      <p>{say(warmingUp ? "loading.warming" : "loading.model")}</p>
      {warmingUp ? (
        <progress aria-label={say("loading.warming-bar")} />
      ) : (
        <progress aria-label={say("loading.model-bar")} max={total || 1} value={received} />
      )}
      {unsureBytes !== null && (
        <p class="notice" role="status">
          {say("device.unsure", { bytes: formatBytes(unsureBytes) })}
        </p>
      )}
      {total > 0 && (
        <small class="number">
          {say("loading.of", { received: formatBytes(received), total: formatBytes(total) })}
        </small>
      )}
      <p>
        <strong>{taskTitle(run.config.task, run.task.title)}</strong>{" "}
        {taskStory(run.config.task, run.task.story)}
      </p>
    </section>
  );
}
