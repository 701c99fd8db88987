/** Which words of a text are not in an earlier one, in its order: a longest common subsequence of words. */

export interface Word {
  readonly text: string;
  readonly changed: boolean;
}

/** Words with the spaces behind them, so that they join to `after`. */
export function changedWords(before: string, after: string): readonly Word[] {
  const [old, words] = [wordsOf(before), wordsOf(after)];
  const key = (word: string): string => word.trim();
  // kept[i][j]: words in common of old from i on and of the new ones from j on.
  const kept = Array.from({ length: old.length + 1 }, () => new Array<number>(words.length + 1).fill(0));
  const at = (i: number, j: number): number => kept[i]?.[j] ?? 0;
  for (let i = old.length - 1; i >= 0; i--)
    for (let j = words.length - 1; j >= 0; j--)
      (kept[i] as number[])[j] =
        key(old[i] as string) === key(words[j] as string)
          ? at(i + 1, j + 1) + 1
          : Math.max(at(i + 1, j), at(i, j + 1));
  const marked: Word[] = [];
  let i = 0;
  for (const [j, text] of words.entries()) {
    while (i < old.length && key(old[i] as string) !== key(text) && at(i + 1, j) >= at(i, j + 1)) i++;
    const same = i < old.length && key(old[i] as string) === key(text);
    if (same) i++;
    marked.push({ text, changed: !same });
  }
  return marked;
}

const wordsOf = (text: string): readonly string[] => text.match(/\s*\S+\s*/g) ?? [];
