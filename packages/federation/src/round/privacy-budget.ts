/**
 * What a run with differential privacy may still give away. The rounds that are left share what is left evenly, so that a
 * host who changes their number changes the noise and never the promise; when nothing is left the run ends.
 */
import { budgetOf, epsilonSpent } from "@fedlodrop/privacy";
import type { RoundRecord, RunConfig } from "@fedlodrop/run";
import { type Run, roundsLeft } from "./run-state.ts";

/** Less than this share of the budget is rounding. */
const ROUNDING = 1e-9;

/** Noise of the next round; null where none is asked for, and `spent` where the run has given away what it may. */
export function nextNoise(run: Pick<Run, "config" | "records" | "triedCount">): number | "spent" | null {
  const { differentialPrivacy } = run.config;
  if (differentialPrivacy === null) return null;
  const budget = budgetOfTerms(differentialPrivacy);
  const left = budget - spentBy(run.records);
  const share = left / roundsLeft(run);
  return left > ROUNDING * budget ? share ** -0.5 : "spent";
}

type Terms = NonNullable<RunConfig["differentialPrivacy"]>;
/** Milliseconds of search, and asked for at many events of a run that keeps its terms. */
let latest: { readonly terms: Terms; readonly budget: number } | null = null;

function budgetOfTerms(terms: Terms): number {
  if (latest?.terms.epsilon !== terms.epsilon || latest.terms.delta !== terms.delta)
    latest = { terms, budget: budgetOf(terms.epsilon, terms.delta) };
  return latest.budget;
}

const spentBy = (records: readonly RoundRecord[]): number => records.at(-1)?.privacy?.spent ?? 0;

/** What a round's record says of it. @param isSpent whether anybody's update is in the adapter, or was sent where a sum could be known */
export function privacyRecord(
  { differentialPrivacy }: RunConfig,
  records: readonly RoundRecord[],
  noiseMultiplier: number | null,
  isSpent: boolean,
): Pick<RoundRecord, "privacy"> {
  if (differentialPrivacy === null || noiseMultiplier === null) return {};
  const spent = spentBy(records) + (isSpent ? noiseMultiplier ** -2 : 0);
  return {
    privacy: {
      noiseMultiplier: isSpent ? noiseMultiplier : null,
      spent,
      epsilon: epsilonSpent(spent, differentialPrivacy.delta),
    },
  };
}
