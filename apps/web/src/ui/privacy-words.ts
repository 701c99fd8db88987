/** A promise of differential privacy in words that need no formula. */
import { formatPercent } from "./format.ts";

/** Beyond it somebody may come to be all but sure. */
const NEARLY_SURE = 0.99;

/**
 * How sure anybody can become of what one device did: from even chances to e^ε / (1 + e^ε).
 * @param epsilon given away so far, or in all
 */
export function privacyWords(epsilon: number, delta: number): string {
  const surest = 1 / (1 + Math.exp(-epsilon));
  const bound =
    surest > NEARLY_SURE
      ? "can come to be all but sure, so this is little protection"
      : `comes to ${formatPercent(surest)} at most`;
  return (
    "Whoever studies every shared model, and gives even chances at first that a certain device's updates are in them, " +
    `${bound} (but for a chance of ${delta}).`
  );
}
