/** What is wrong with somebody's own texts: a kind with its figures, which pages say in their reader's language. */
export type TextFault =
  /** Megabytes. */
  | { readonly kind: "too-large"; readonly most: number; readonly got: number }
  /** Characters. */
  | { readonly kind: "too-short"; readonly least: number; readonly got: number }
  | { readonly kind: "empty" | "other-ending" | "no-text-file" | "broken-parquet" | "no-column" }
  | { readonly kind: "column-twice"; readonly column: string }
  | { readonly kind: "broken-line" | "broken-conversation"; readonly line: number }
  | { readonly kind: "wrong-field"; readonly line: number; readonly field: string }
  | { readonly kind: "other-label"; readonly line: number; readonly labels: readonly string[] }
  | { readonly kind: "no-score"; readonly line: number; readonly least: number; readonly most: number }
  /** What the run's task has on every row. */
  | { readonly kind: `not-${"one-text" | "two-texts" | "conversation"}`; readonly line: number };

/** Its message is one line that a person can act on, with the file's name. */
export class TextFaultError extends Error {
  override readonly name = "TextFaultError";
  readonly fault: TextFault;

  constructor(fault: TextFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.fault = fault;
  }
}
