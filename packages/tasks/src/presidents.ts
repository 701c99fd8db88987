import { cleanSpeech } from "./clean-text.ts";
import { cutIntoStretches } from "./passages.ts";
import type { TextGroup } from "./task.ts";

export interface Speech {
  readonly year: number;
  readonly name: string;
  readonly text: string;
}

/** Earlier speeches are in the base model's pre-training text. */
export const FIRST_YEAR = 1945;

/** One group per president, speeches by year; the last two of each are held out, the only one of some is not. */
export function presidentGroups(speeches: readonly Speech[]): TextGroup[] {
  const byYear = speeches.filter(({ year }) => year >= FIRST_YEAR).sort((a, b) => a.year - b.year);
  return [...new Set(byYear.map(({ name }) => name))].map((name) => {
    const own = byYear.filter((speech) => speech.name === name).map((speech) => cleanSpeech(speech.text));
    const trained = Math.max(1, own.length - 2);
    return {
      name,
      train: own.slice(0, trained).flatMap(cutIntoStretches),
      heldOut: own.slice(trained).flatMap(cutIntoStretches),
    };
  });
}
