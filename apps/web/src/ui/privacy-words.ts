/** A promise of differential privacy in words that need no formula. */
import { say } from "../words/words.ts";
import { formatPercent } from "./format.ts";

/** Beyond it somebody may come to be all but sure. */
const NEARLY_SURE = 0.99;

/**
 * How sure anybody can become of what one device did: from even chances to e^ε / (1 + e^ε).
 * @param epsilon given away so far, or in all
 */
export function privacyWords(epsilon: number, delta: number): string {
  const surest = surestAfter(epsilon);
  return surest === null
    ? say("privacy.little", { delta: String(delta) })
    : say("privacy.bounded", { surest: formatPercent(surest), delta: String(delta) });
}

/** The same of whether a certain text was among a device's own. */
export function textsPrivacyWords(epsilon: number, delta: number): string {
  const surest = surestAfter(epsilon);
  return surest === null
    ? say("privacy.texts-little", { delta: String(delta) })
    : say("privacy.texts-bounded", { surest: formatPercent(surest), delta: String(delta) });
}

/** A probability; null where it is next to certainty. */
export function surestAfter(epsilon: number): number | null {
  const surest = 1 / (1 + Math.exp(-epsilon));
  return surest > NEARLY_SURE ? null : surest;
}
