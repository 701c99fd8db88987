/** The Brown corpus as groups: 15 genres to write in, or four kinds of text to tell apart. */

import type { Sample } from "@fedlodrop/run";
import { isHeldOut } from "./held-out.ts";
import { cutIntoPassages, cutIntoStretches } from "./passages.ts";
import type { TextGroup } from "./task.ts";

export interface BrownFile {
  /** Letter of the genre, "a" … "r". */
  readonly genre: string;
  readonly text: string;
}

const GENRES: readonly (readonly [letter: string, name: string])[] = [
  ["a", "News reports"],
  ["b", "Editorials"],
  ["c", "Reviews"],
  ["d", "Religion"],
  ["e", "Skills and hobbies"],
  ["f", "Popular lore"],
  ["g", "Essays and memoirs"],
  ["h", "Government documents"],
  ["j", "Science"],
  ["k", "General fiction"],
  ["l", "Mystery"],
  ["m", "Science fiction"],
  ["n", "Adventure and western"],
  ["p", "Romance"],
  ["r", "Humour"],
];

/** Labels of the task `genres`, in order. */
const KINDS = [
  { name: "Press", genres: "abc" },
  { name: "Learned", genres: "jh" },
  { name: "Fiction", genres: "klmnp" },
  { name: "General", genres: "defg" },
] as const;

/** Characters of a passage to classify: somewhat more than one cut of 64 tokens. */
const PASSAGE_CHARACTERS = 320;
/** What remains at the end of a file may be too short to tell anything. */
const MINIMUM_PASSAGE_CHARACTERS = 100;
/** One file in four, by its content, is held out whole: passages of one file resemble each other. */
const HELD_OUT_EVERY = 4;

export function genreGroups(files: readonly BrownFile[]): TextGroup[] {
  return GENRES.map(([letter, name]) =>
    toGroup(
      name,
      files.filter(({ genre }) => genre === letter),
      cutIntoStretches,
    ),
  );
}

/** One group per label, so a natural split gives every device a single kind; Dirichlet mixes them. */
export function genreKindGroups(files: readonly BrownFile[]): TextGroup[] {
  return KINDS.map(({ name, genres }, label) =>
    toGroup(
      name,
      files.filter(({ genre }) => genres.includes(genre)),
      (text) =>
        cutIntoPassages(text, PASSAGE_CHARACTERS)
          .filter((passage) => passage.length >= MINIMUM_PASSAGE_CHARACTERS)
          .map((passage) => ({ text: passage, label })),
    ),
  );
}

function toGroup(
  name: string,
  files: readonly BrownFile[],
  cut: (text: string) => readonly Sample[],
): TextGroup {
  return {
    name,
    train: files.filter(({ text }) => !isHeldOut(text, HELD_OUT_EVERY)).flatMap(({ text }) => cut(text)),
    heldOut: files.filter(({ text }) => isHeldOut(text, HELD_OUT_EVERY)).flatMap(({ text }) => cut(text)),
  };
}
