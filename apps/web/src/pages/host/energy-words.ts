/** Joules, each with how they came to be known; those of different kinds are not added up. */
import { formatJoules } from "../../ui/format.ts";
import { listed } from "../../ui/joined.ts";
import { say, sayKnown } from "../../words/words.ts";
import type { Energy } from "./totals.ts";

const energySource = (source: string): string => sayKnown(`energy.${source}`, source);

export const energyWords = (energy: readonly Energy[]): string =>
  listed(
    energy.map(({ source, joules }) =>
      say("energy.by", { joules: formatJoules(joules), source: energySource(source) }),
    ),
  ) || "–";
