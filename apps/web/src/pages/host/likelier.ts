/** How likely a text is to a model, and how much likelier it has become, in words. */
import { formatCount, formatFixed, formatPercent, significant } from "../../ui/format.ts";
import { say } from "../../words/words.ts";

/** @param nats log of the ratio of its probabilities, now over before */
export function likelier(nats: number): string {
  const ratio = Math.exp(Math.abs(nats));
  if (ratio < 1.05) return say("likelier.as");
  if (nats < 0) return say("likelier.less", { share: formatPercent(Number((1 / ratio).toPrecision(2))) });
  return say("likelier.more", { times: ratio < 10 ? formatFixed(ratio, 1) : significant(ratio, 2) });
}

/**
 * A chance that people can picture: of a whole sentence it has dozens of zeros, of a piece it has not.
 * @param nats mean loss a piece, so that this is the geometric mean, whose power is the probability of them all
 */
export function oneIn(nats: number): string {
  const number = Math.exp(nats);
  return say("unit.one-in", {
    number: number < 10 ? formatFixed(number, 1) : formatCount(Math.round(number)),
  });
}
