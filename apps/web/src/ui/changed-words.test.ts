import { expect, it } from "vitest";
import { changedWords } from "./changed-words.ts";

const marked = (before: string, after: string): string =>
  changedWords(before, after)
    .map(({ text, changed }) => (changed ? `[${text.trim()}]` : text.trim()))
    .join(" ");

it.each([
  ["", "", ""],
  ["", "a new text", "[a] [new] [text]"],
  ["the same words", "the same words", "the same words"],
  ["our schools are bread", "our schools are the pride", "our schools are [the] [pride]"],
  ["one two three four", "one three two four", "one three [two] four"],
  ["a b c d", "x b y d z", "[x] b [y] d [z]"],
])("%j, then %j: %s", (before, after, expected) => expect(marked(before, after)).toBe(expected));

it("keeps the text as it is, spaces and lines included, and marks no more than must be", () => {
  const after = "  we shall\nnot   fail,  nor fall ";
  expect(
    changedWords("we shall fail", after)
      .map(({ text }) => text)
      .join(""),
  ).toBe(after);
  // Brute force: the largest set of the new words that the old text has in the same order.
  const [before, later] = ["a b a c b d a", "b a d b a c d"];
  const kept = changedWords(before, later).filter(({ changed }) => !changed).length;
  const [old, words] = [before.split(" "), later.split(" ")];
  let best = 0;
  for (let set = 0; set < 2 ** words.length; set++) {
    const chosen = words.filter((_, k) => set & (2 ** k));
    let i = 0;
    for (const word of old) if (word === chosen[i]) i++;
    if (i === chosen.length) best = Math.max(best, chosen.length);
  }
  expect(kept).toBe(best);
});
