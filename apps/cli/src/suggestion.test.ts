import { expect, it } from "vitest";
import { suggestion } from "./suggestion.ts";

const COMMANDS = ["serve", "federate", "allocate"];

it.each([
  ["server", "; did you mean serve?"],
  ["federat", "; did you mean federate?"],
  ["feredate", "; did you mean federate?"],
  ["Serve", "; did you mean serve?"],
  ["train", ""],
  ["a", ""],
])("of %s: %j", (word, words) => {
  expect(suggestion(word, COMMANDS)).toBe(words);
});

it("takes the nearest of several", () => {
  expect(suggestion("hist", ["host", "hint", "hits", "list"])).toBe("; did you mean host?");
  expect(suggestion("prt", ["out", "port"], "--")).toBe("; did you mean --port?");
});
