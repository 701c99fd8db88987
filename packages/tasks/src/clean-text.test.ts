import { expect, test } from "vitest";
import { cleanSpeech, cleanTaggedText, cleanText } from "./clean-text.ts";

test("quotes, dashes, spaces and line ends become plain", () => {
  expect(cleanText("\ufeff“It’s  here”\u2014or\u2013not…\r\n\r\n\r\n\r\n next\tline ")).toBe(
    '"It\'s here"--or-not...\n\nnext line',
  );
});

test("a text cannot hold the end-of-text token", () => {
  expect(cleanText("one<|endoftext|>two")).toBe("one two");
});

test("remarks on the audience leave a speech, other brackets stay", () => {
  expect(
    cleanSpeech("Thank you. (Applause.) My friends [Laughter] , we owe $1 million (net) [applause]."),
  ).toBe("Thank you. My friends, we owe $1 million (net).");
});

test("word classes leave a Brown file and punctuation closes up", () => {
  const tagged =
    "\n\n\tThe/at jury/nn said/vbd ``/`` no/at evidence/nn ''/'' (/( again/rb )/) ./.\n\n\nOr/cc 1\\/2/cd ?/. ?/.\n";
  expect(cleanTaggedText(tagged)).toBe('The jury said "no evidence" (again).\nOr 1\\/2?');
});
