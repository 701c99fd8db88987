/** Who may still come in, and what the run is about. */

import { taskTitle } from "../../ui/task-words.ts";
import { say } from "../../words/words.ts";
import type { CommandProps } from "./controls.tsx";
import { countDevices } from "./device-counts.ts";

export function Access({ view: { config, locked, participants, availableTasks }, command }: CommandProps) {
  const sent = availableTasks.find(({ name }) => name === config.task)?.title ?? config.task;
  const { joined, ready } = countDevices(participants);
  return (
    <section class="card">
      <div class="row between">
        <h2>{say("access.title")}</h2>
        <label class="check">
          <input
            type="checkbox"
            checked={locked}
            onChange={(event) => command({ kind: "lock", locked: event.currentTarget.checked })}
          />
          {say("access.lock")}
        </label>
      </div>
      <small>
        {say("access.task", {
          task: taskTitle(config.task, sent),
          ready,
          joined,
          least: config.minParticipants,
        })}
      </small>
    </section>
  );
}
