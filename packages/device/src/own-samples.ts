/** A participant's own rows as training samples of the run's task. */
import type { RunDescription } from "@fedlodrop/protocol";
import type { Sample } from "@fedlodrop/run";
import {
  conversationSamples,
  labelledSamples,
  ownTextGroup,
  TextFaultError,
  type TextRow,
} from "@fedlodrop/tasks";
import type { OwnTexts } from "./messages.ts";

export interface OwnSamples {
  readonly samples: readonly Sample[];
  /** Never trained on; the try-it box measures both models on it. */
  readonly heldOut: readonly Sample[];
}

/** @throws one line that a person can act on, when the rows do not fit the task. */
export function ownSamples(
  { fileName, rows }: Pick<OwnTexts, "fileName" | "rows">,
  { kind, labels, pairs = false }: Pick<RunDescription["task"], "kind" | "labels" | "pairs">,
): OwnSamples {
  switch (kind) {
    case "language-model": {
      const { train, heldOut } = ownTextGroup(rows, fileName);
      return { samples: train, heldOut };
    }
    // The coordinator measures all others on held-out texts of its own.
    case "chat": {
      expectAlike(rows, ({ context }) => context !== undefined, "conversation", fileName);
      return { samples: conversationSamples(rows), heldOut: [] };
    }
    case "classification":
    case "regression": {
      const wanted = pairs ? "two-texts" : "one-text";
      expectAlike(rows, ({ pair }) => (pair !== undefined) === pairs, wanted, fileName);
      return { samples: labelledSamples(rows, { kind, labels }, fileName), heldOut: [] };
    }
    default:
      return kind satisfies never;
  }
}

const WANTED = { conversation: "a conversation", "one-text": "one text", "two-texts": "two texts" } as const;

function expectAlike(
  rows: readonly TextRow[],
  fits: (row: TextRow) => boolean,
  wanted: keyof typeof WANTED,
  fileName: string,
): void {
  const odd = rows.find((row) => !fits(row));
  if (odd)
    throw new TextFaultError(
      { kind: `not-${wanted}`, line: odd.line },
      `${fileName}, line ${odd.line}: expected ${WANTED[wanted]}, as the run's task has`,
    );
}
