/** Rows with labels: names of classes, or numbers to be estimated. */
import type { Sample } from "@fedlodrop/run";
import { TextFaultError } from "./text-fault.ts";
import { labelKey, sameLabel, type TextRow } from "./text-rows.ts";

/** More are rather numbers, or texts in the wrong column. */
const MOST_LABELS = 100;
/** A squared error beyond it would drown every other figure. */
const LARGEST_VALUE = 100;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** Labels are numbers to be estimated where their column is called a score, or they are numbers and not all whole. */
export function isRegression(rows: readonly TextRow[]): boolean {
  const labels = rows.map(({ label = "" }) => label.trim());
  const numbers = labels.filter((label) => NUMBER.test(label));
  const fractions = numbers.filter((label) => !Number.isInteger(Number(label)));
  return (
    rows.some(({ isScore }) => isScore) || (fractions.length > 0 && numbers.length > 0.9 * labels.length)
  );
}

/** Names of the classes, in the file's own order where it numbers them, else sorted; of several spellings the first. @throws where they are no classes, naming the line */
export function labelsOf(rows: readonly TextRow[], fileName: string): readonly string[] {
  const first = new Map<string, TextRow>();
  const counts = new Map<string, number>();
  for (const row of rows) {
    const key = labelKey(row.label as string);
    if (!first.has(key)) first.set(key, row);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  if (first.size === 1 && first.has("-1"))
    throw new Error(
      `${fileName}: expected labels, got -1 on every row, which data sets write where they tell none`,
    );
  const labels = [...first.values()]
    .sort(
      (a, b) =>
        (a.classNumber ?? 0) - (b.classNumber ?? 0) || ((a.label as string) < (b.label as string) ? -1 : 1),
    )
    .map(({ label }) => label as string);
  if (labels.length === 1)
    throw new Error(`${fileName}: expected two labels or more, got only "${labels[0]}"`);
  if (labels.length > MOST_LABELS)
    throw new Error(
      `${fileName}: expected at most ${MOST_LABELS} different labels, got ${labels.length}; a number to be estimated goes into a column "score"`,
    );
  const alone = [...first].find(([key]) => counts.get(key) === 1)?.[1];
  if (alone)
    throw new Error(
      `${fileName}, line ${alone.line}: expected each label on two rows or more, got "${alone.label}" on this one only`,
    );
  return labels;
}

export interface LabelTerms {
  readonly kind: "classification" | "regression";
  /** What the classes are called. */
  readonly labels: readonly string[];
}

/** @throws one line naming the line of the file whose label is missing or none of those */
export function labelledSamples(
  rows: readonly TextRow[],
  { kind, labels }: LabelTerms,
  fileName: string,
): readonly Sample[] {
  return rows.map(({ text, pair, label, line }) => {
    const texts = { text, ...(pair !== undefined && { pair }) };
    if (kind === "regression") {
      const value = label !== undefined && NUMBER.test(label.trim()) ? Number(label) : Number.NaN;
      if (!(Math.abs(value) <= LARGEST_VALUE))
        throw new TextFaultError(
          { kind: "no-score", line, least: -LARGEST_VALUE, most: LARGEST_VALUE },
          `${fileName}, line ${line}: expected a number from −${LARGEST_VALUE} to ${LARGEST_VALUE} as the score, got ${label ?? "none"}`,
        );
      return { ...texts, value };
    }
    const index = label === undefined ? -1 : labels.findIndex((name) => sameLabel(name, label));
    if (index < 0)
      throw new TextFaultError(
        { kind: "other-label", line, labels },
        `${fileName}, line ${line}: expected a label (${labels.join(" or ")}), got ${label ?? "none"}`,
      );
    return { ...texts, label: index };
  });
}
