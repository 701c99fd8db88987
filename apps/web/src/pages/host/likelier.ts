/** How much likelier a text has become, in words. @param nats log of the ratio of its probabilities, now over before */
export function likelier(nats: number): string {
  const [ratio, word] = nats >= 0 ? [Math.exp(nats), "likelier"] : [Math.exp(-nats), "less likely"];
  if (ratio < 1.05) return "as likely to it as before training";
  const times = ratio < 10 ? ratio.toFixed(1) : Number(ratio.toPrecision(2)).toLocaleString("en");
  return `${times} times ${word} to it than before training`;
}
