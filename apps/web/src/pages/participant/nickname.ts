/** A nickname to start from, so that nobody has to think of one. */
import { say } from "../../words/words.ts";

/** @param random two integers */
export function nickname([first = 0, second = 0]: ArrayLike<number> & Iterable<number>): string {
  const pick = (words: string, random: number): string => {
    const all = words.split(", ");
    return all[random % all.length] as string;
  };
  return say("nickname.of", {
    adjective: pick(say("nickname.adjectives"), first),
    animal: pick(say("nickname.animals"), second),
  });
}
