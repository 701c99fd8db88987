import { createRandom } from "@fedlodrop/run";
import { expect, test } from "vitest";
import { cutIntoPassages } from "./passages.ts";

test("passages end at sentences, else words, else anywhere but within a character", () => {
  expect(cutIntoPassages("One two. Three four! Five", 21)).toEqual(["One two. Three four!", "Five"]);
  expect(cutIntoPassages("One. Two three four five", 14)).toEqual(["One. Two three", "four five"]);
  expect(cutIntoPassages("abcdefgh", 3)).toEqual(["abc", "def", "gh"]);
  expect(cutIntoPassages("🙂🙂🙂", 3)).toEqual(["🙂", "🙂", "🙂"]);
  expect(cutIntoPassages("  \n ", 3)).toEqual([]);
});

test("nothing but white space is lost, and no passage is too long", () => {
  const random = createRandom("passages");
  const alphabet = ["a", "b", ".", "?", " ", "\n", '"', "é", "🙂"];
  for (let trial = 0; trial < 200; trial++) {
    const text = Array.from({ length: random.below(300) }, () => alphabet[random.below(9)]).join("");
    const maxCharacters = 2 + random.below(40);
    const passages = cutIntoPassages(text, maxCharacters);
    expect(passages.join("").replace(/\s/g, "")).toBe(text.replace(/\s/g, ""));
    for (const passage of passages) {
      expect(passage.length).toBeLessThanOrEqual(maxCharacters);
      // Throws on half a surrogate pair.
      expect(() => encodeURIComponent(passage)).not.toThrow();
    }
  }
});
