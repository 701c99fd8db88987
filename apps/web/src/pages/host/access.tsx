/** Who may still come in, and what the run is about. */
import type { CommandProps } from "./controls.tsx";
import { countDevices } from "./device-counts.ts";

export function Access({ view: { config, locked, participants, availableTasks }, command }: CommandProps) {
  const task = availableTasks.find(({ name }) => name === config.task)?.title ?? config.task;
  const { joined, ready } = countDevices(participants);
  return (
    <section class="card">
      <div class="row between">
        <h2>Devices</h2>
        <label class="check">
          <input
            type="checkbox"
            checked={locked}
            onChange={(event) => command({ kind: "lock", locked: event.currentTarget.checked })}
          />
          No new devices
        </label>
      </div>
      <small>
        Task: {task}. {ready} of {joined} devices ready; a round starts with at least {config.minParticipants}
        .
      </small>
    </section>
  );
}
