/** Why a device was left out of a round, and what would admit it. */
import type { Exclusion } from "@fedlodrop/run";
import { formatJoules, formatSeconds } from "../../ui/format.ts";
import { say } from "../../words/words.ts";

/** Of several devices: how many have each cause, and what would admit the first of them. */
export function exclusionsInShort(exclusions: readonly Exclusion[]): readonly string[] {
  const leastSeconds = (exclusion: Exclusion): number =>
    ("leastDeadlineSeconds" in exclusion ? exclusion.leastDeadlineSeconds : null) ?? Number.POSITIVE_INFINITY;
  const byCause = new Map<Exclusion["cause"], readonly Exclusion[]>();
  for (const each of exclusions) byCause.set(each.cause, [...(byCause.get(each.cause) ?? []), each]);
  return [...byCause.values()].map((own) => {
    const nearest = own.reduce((a, b) => (leastSeconds(b) < leastSeconds(a) ? b : a));
    return say("stage.reason", { count: own.length, why: exclusionWords(nearest) });
  });
}

export function exclusionWords(exclusion: Exclusion): string {
  switch (exclusion.cause) {
    case "others":
      return say("exclusion.others");
    case "stalls":
      return say("exclusion.stalls", { count: exclusion.stalls, next: exclusion.nextRound });
    default: {
      const { cause, leastDeadlineSeconds: seconds, leastEnergyJoules: joules } = exclusion;
      const [deadline, energy] = [
        seconds === null ? null : formatSeconds(seconds),
        joules === null ? null : formatJoules(joules),
      ];
      const why = say(`exclusion.${cause}`);
      if (deadline !== null && energy !== null) return say("exclusion.but-either", { why, deadline, energy });
      if (deadline !== null) return say("exclusion.but-deadline", { why, deadline });
      return energy === null ? why : say("exclusion.but-energy", { why, energy });
    }
  }
}
