/** What is done to the devices in an arm's rounds, in a few words. */
import type { RunConfig } from "@fedlodrop/run";
import { say } from "../words/words.ts";
import { formatPercent } from "./format.ts";

type Terms = Pick<RunConfig, "method" | "dropoutRate">;

export const dropsNothing = ({ method, dropoutRate }: Terms): boolean =>
  method === "fedlora" || (method === "fixed" && dropoutRate === 0);

export function titleOf(terms: Terms): string {
  const { method, dropoutRate } = terms;
  if (method === "fedlora" || dropsNothing(terms)) return say("arm.without");
  return method === "fixed" ? say("arm.with", { rate: formatPercent(dropoutRate) }) : say(`arm.${method}`);
}
