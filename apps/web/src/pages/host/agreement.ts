/** How well held-out guesses agree with what is true: the figure of a task that has one, and what else is known. */
import type { RoundEvaluation } from "@fedlodrop/run";
import { formatPercent } from "../../ui/format.ts";

export interface Agreement {
  readonly term: string;
  readonly value: string;
  /** In a sentence. */
  readonly others: string;
}

/** Null of a language model. */
export function agreementOf(evaluation: RoundEvaluation): Agreement | null {
  const { testAccuracy, testF1, testMatthews, testPearson, testSpearman } = evaluation;
  const known = (name: string, value: number | null | undefined): readonly string[] =>
    value == null ? [] : [`${name} ${value.toFixed(3)}`];
  if (testAccuracy !== null) {
    const others = [...known("F1", testF1), ...known("Matthews", testMatthews)].join(", ");
    const rightly = "Held-out texts labelled rightly.";
    return {
      ...{ term: "Accuracy", value: formatPercent(testAccuracy) },
      others: others === "" ? rightly : `${rightly} ${others}.`,
    };
  }
  if (testPearson == null) return null;
  const others = known("Spearman", testSpearman).map((one) => ` ${one}.`);
  return {
    ...{ term: "Pearson", value: testPearson.toFixed(3) },
    others: `How estimates of held-out texts go along with what is true.${others.join("")}`,
  };
}
