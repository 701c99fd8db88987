/** Texts one after the other, with what stands between them in the reader's language. */
import { say } from "../words/words.ts";

type Parts = readonly (string | false | null | undefined)[];

const joined = (key: "joined.sentences" | "joined.list", parts: Parts): string =>
  parts
    .filter((part): part is string => typeof part === "string" && part !== "")
    .reduce((first, second) => (first === "" ? second : say(key, { first, second })), "");

/** Those that there are. */
export const sentences = (...parts: Parts): string => joined("joined.sentences", parts);
export const listed = (parts: readonly string[]): string => joined("joined.list", parts);
