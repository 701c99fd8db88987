/** Nicknames: made up, so that nobody has to think of one, and typed. */
import { cleanText, MAX_NICKNAME_CHARACTERS } from "@fedlodrop/protocol";
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

/** What was typed, without the spaces around it; null where nobody would see any of it. */
export const visibleNickname = (typed: string): string | null =>
  cleanText(typed, MAX_NICKNAME_CHARACTERS) === "" ? null : typed.trim();
