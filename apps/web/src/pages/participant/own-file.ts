/** A participant's file as training samples of the run's task. */
import type { RunDescription } from "@fedlodrop/protocol";
import type { Sample } from "@fedlodrop/run";
import { readOwnText, readTextRows, sameLabel } from "@fedlodrop/tasks";
import type { OwnTexts } from "../../device/messages.ts";

/** @throws one line that a person can act on, when the file does not fit the task. */
export function readOwnFile(
  bytes: Uint8Array,
  fileName: string,
  task: RunDescription["task"] | null,
): OwnTexts {
  if (task?.kind === "classification")
    // The coordinator measures labels on held-out texts of its own.
    return { fileName, samples: labelledSamples(bytes, fileName, task.labels), heldOut: [] };
  const { train, heldOut } = readOwnText(bytes, fileName);
  return { fileName, samples: train, heldOut };
}

function labelledSamples(bytes: Uint8Array, fileName: string, labels: readonly string[]): readonly Sample[] {
  return readTextRows(bytes, fileName).map(({ text, label, line }) => {
    const index = label === undefined ? -1 : labels.findIndex((name) => sameLabel(name, label));
    if (index < 0)
      throw new Error(
        `${fileName}, line ${line}: expected a label (${labels.join(" or ")}), got ${label ?? "none"}`,
      );
    return { text, label: index };
  });
}
