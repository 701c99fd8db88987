import type { Sample } from "@fedlodrop/run";

/**
 * Characters of one language-model sample: several training windows long, because texts are joined by end-of-text
 * and a mark in the middle of a speech is one that the model cannot foresee.
 */
const STRETCH_CHARACTERS = 2_048;

/** A long text as language-model samples. */
export function cutIntoStretches(text: string): Sample[] {
  return cutIntoPassages(text, STRETCH_CHARACTERS).map((stretch) => ({ text: stretch }));
}

/**
 * Cuts a text into consecutive passages of at most `maxCharacters`, ending at a sentence where one ends in time, else
 * at a word, else anywhere. Nothing but white space between passages is lost.
 */
export function cutIntoPassages(text: string, maxCharacters: number): string[] {
  const passages: string[] = [];
  let start = 0;
  while (start < text.length) {
    const end = passageEnd(text, start, maxCharacters);
    const passage = text.slice(start, end).trim();
    if (passage !== "") passages.push(passage);
    start = end;
  }
  return passages;
}

/** Where a passage of at most `maxCharacters` that begins at `start` should end. */
export function passageEnd(text: string, start: number, maxCharacters: number): number {
  if (text.length - start <= maxCharacters) return text.length;
  const reach = text.slice(start, start + maxCharacters + 1);
  const half = maxCharacters / 2;
  const sentence = [...reach.matchAll(/[.!?]["')\]]*(?=\s)/g)].at(-1);
  // An end in the first half would leave a passage much shorter than asked for.
  if (sentence && sentence.index > half) return start + sentence.index + sentence[0].length;
  const space = Math.max(reach.lastIndexOf(" "), reach.lastIndexOf("\n"));
  if (space > half) return start + space;
  const splitsPair = /^[\udc00-\udfff]/.test(reach.slice(maxCharacters));
  return start + maxCharacters - (splitsPair ? 1 : 0);
}
