/** How much likelier a text has become, in words. */
import { formatFixed, formatPercent, significant } from "../../ui/format.ts";
import { say } from "../../words/words.ts";

/** @param nats log of the ratio of its probabilities, now over before */
export function likelier(nats: number): string {
  const ratio = Math.exp(Math.abs(nats));
  if (ratio < 1.05) return say("likelier.as");
  if (nats < 0) return say("likelier.less", { share: formatPercent(Number((1 / ratio).toPrecision(2))) });
  return say("likelier.more", { times: ratio < 10 ? formatFixed(ratio, 1) : significant(ratio, 2) });
}
