/** Which texts are never trained on, and how many of them a run measures. Nothing here depends on a run's seed. */

import type { Sample } from "@fedlodrop/run";
import { createRandom } from "@fedlodrop/run";
import { type SampleLimit, upToCharacters } from "./split.ts";
import type { TextGroup } from "./task.ts";

/** All that is read of a sample: its text, with what it is judged together with or what it answers. */
export const contentOf = ({ text, pair, context = [] }: Omit<Sample, "label" | "value">): string =>
  [...context.map(({ content }) => content), text, ...(pair === undefined ? [] : [pair])].join("\n");

/** True for one text in `every`, decided by its content alone. */
export function isHeldOut(text: string, every: number): boolean {
  return createRandom("held-out", text).below(every) === 0;
}

/**
 * The groups without a text that appeared before, letter case and punctuation aside. Held-out texts come
 * first, so a copy of one is taken out of training rather than the other way round.
 */
export function withoutDuplicates(groups: readonly TextGroup[]): TextGroup[] {
  const seen = new Set<string>();
  const firstSeen = (sample: Sample): boolean => {
    const key = contentOf(sample)
      .toLowerCase()
      .replace(/[^\p{Letter}\p{Number}]+/gu, " ")
      .trim();
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  };
  const heldOut = groups.map((group) => group.heldOut.filter(firstSeen));
  return groups.map((group, index) => ({
    ...group,
    train: group.train.filter(firstSeen),
    heldOut: heldOut[index] ?? [],
  }));
}

/**
 * A held-out set of at most `limit`, with the same share for each group as far as it has that much. Picks are evenly
 * spaced over a group's texts, which keeps its mix of labels and years.
 */
export function chooseHeldOut(groups: readonly TextGroup[], limit: SampleLimit): Sample[] {
  const size = (samples: readonly Sample[]): number =>
    limit.kind === "samples" ? samples.length : samples.reduce((sum, { text }) => sum + text.length, 0);
  // Short groups first: what they lack is left to the longer ones.
  const ascending = [...groups].sort((a, b) => size(a.heldOut) - size(b.heldOut));
  const chosen: Sample[] = [];
  ascending.forEach(({ heldOut }, index) => {
    const share = Math.floor((limit.count - size(chosen)) / (ascending.length - index));
    const portion = Math.min(1, share / Math.max(1, size(heldOut)));
    const count = Math.ceil(portion * heldOut.length);
    const spaced = Array.from(
      { length: count },
      (_, i) => heldOut[Math.floor((i * heldOut.length) / count)] as Sample,
    );
    chosen.push(...(limit.kind === "samples" ? spaced.slice(0, share) : upToCharacters(spaced, share)));
  });
  return chosen;
}
