/** How well held-out guesses agree with what is true: the figure of a task that has one, and what else is known. */
import type { RoundEvaluation } from "@fedlodrop/run";
import { formatLoss, formatPercent } from "../../ui/format.ts";
import { sentences } from "../../ui/joined.ts";
import { forResearchers, term } from "../../ui/symbols.tsx";
import { say } from "../../words/words.ts";

export interface Agreement {
  readonly term: string;
  readonly value: string;
  /** In a sentence. */
  readonly others: string;
}

/** Null of a language model. */
export function agreementOf(evaluation: RoundEvaluation): Agreement | null {
  const { testAccuracy, testF1, testMatthews, testPearson, testSpearman } = evaluation;
  if (testAccuracy !== null)
    return {
      ...{ term: term("figures.accuracy"), value: formatPercent(testAccuracy) },
      others: sentences(
        say("figures.accuracy.about"),
        testF1 != null && forResearchers(say("figures.f1", { value: formatLoss(testF1) })),
        testMatthews != null && forResearchers(say("figures.matthews", { value: formatLoss(testMatthews) })),
      ),
    };
  if (testPearson == null) return null;
  return {
    ...{ term: term("figures.pearson"), value: formatLoss(testPearson) },
    others: sentences(
      say("figures.pearson.about"),
      testSpearman != null && forResearchers(say("figures.spearman", { value: formatLoss(testSpearman) })),
    ),
  };
}
