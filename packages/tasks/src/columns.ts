/** Which columns of a file hold what, by the names that data sets give them: GLUE's, as it came and as it is on the hub. */

export interface Columns {
  readonly text: string;
  /** Of the second text, where two are judged together. */
  readonly pair: string | null;
  readonly label: string | null;
  /** The label is a number to be estimated, whole or not. */
  readonly isScore: boolean;
}

const PAIRS: readonly (readonly [text: string, pair: string])[] = [
  ["text", "text_pair"],
  ["sentence1", "sentence2"],
  ["question1", "question2"],
  ["premise", "hypothesis"],
  ["question", "sentence"],
  ["#1 string", "#2 string"],
];
const TEXTS: readonly string[] = ["text", "sentence"];
const LABELS: readonly string[] = ["label", "gold_label", "quality", "is_duplicate"];
const SCORES: readonly string[] = ["score", "similarity_score"];

/** All names that a first text goes by. */
export const TEXT_COLUMNS: readonly string[] = [...new Set([...TEXTS, ...PAIRS.map(([text]) => text)])];

/** Null where none of them holds a text. @param names in lower case */
export function columnsOf(names: readonly string[]): Columns | null {
  const pair = PAIRS.find((both) => both.every((name) => names.includes(name)));
  const text = pair?.[0] ?? TEXTS.find((name) => names.includes(name));
  if (text === undefined) return null;
  const score = SCORES.find((name) => names.includes(name));
  const label = LABELS.find((name) => names.includes(name));
  // Beside a label a score is something else: votes, or how sure somebody was.
  return {
    text,
    pair: pair?.[1] ?? null,
    label: label ?? score ?? null,
    isScore: label === undefined && score !== undefined,
  };
}
