/** What a run does with what a device sends, in a sentence or two for whoever has not joined yet. */
import type { Promises } from "@fedlodrop/run";
import { formatPercent } from "../../ui/format.ts";
import { sentences } from "../../ui/joined.ts";
import { surestAfter } from "../../ui/privacy-words.ts";
import { say } from "../../words/words.ts";

export function promiseWords(promises: Promises | null): string {
  if (promises === null) return say("promise.unknown");
  const { aggregation, differentialPrivacy, examplePrivacy, secureAggregation } = promises;
  return sentences(
    say(secureAggregation ? "promise.masked" : `promise.${aggregation}`),
    differentialPrivacy && noiseWords("promise.noise", differentialPrivacy.epsilon),
    examplePrivacy && noiseWords("promise.own-noise", examplePrivacy.epsilon),
  );
}

function noiseWords(key: "promise.noise" | "promise.own-noise", epsilon: number): string {
  const surest = surestAfter(epsilon);
  return surest === null ? say(`${key}-little`) : say(key, { surest: formatPercent(surest) });
}
