/** A participant's own rows as training samples of the run's task. */
import type { RunDescription } from "@fedlodrop/protocol";
import type { Sample } from "@fedlodrop/run";
import { ownTextGroup, sameLabel, type TextRow } from "@fedlodrop/tasks";
import type { OwnTexts } from "./messages.ts";

export interface OwnSamples {
  readonly samples: readonly Sample[];
  /** Never trained on; the try-it box measures both models on it. */
  readonly heldOut: readonly Sample[];
}

/** @throws one line that a person can act on, when the rows do not fit the task. */
export function ownSamples(
  { fileName, rows }: Pick<OwnTexts, "fileName" | "rows">,
  { kind, labels }: Pick<RunDescription["task"], "kind" | "labels">,
): OwnSamples {
  // The coordinator measures labels on held-out texts of its own.
  if (kind === "classification") return { samples: labelled(rows, fileName, labels), heldOut: [] };
  const { train, heldOut } = ownTextGroup(rows, fileName);
  return { samples: train, heldOut };
}

function labelled(rows: readonly TextRow[], fileName: string, labels: readonly string[]): readonly Sample[] {
  return rows.map(({ text, label, line }) => {
    const index = label === undefined ? -1 : labels.findIndex((name) => sameLabel(name, label));
    if (index < 0)
      throw new Error(
        `${fileName}, line ${line}: expected a label (${labels.join(" or ")}), got ${label ?? "none"}`,
      );
    return { text, label: index };
  });
}
