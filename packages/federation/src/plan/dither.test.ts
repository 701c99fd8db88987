import { DEFAULT_RUN_CONFIG } from "@fedlodrop/run";
import { expect, it } from "vitest";
import { whoseTurn } from "./dither.ts";

const { compareWith, evaluateOn } = DEFAULT_RUN_CONFIG;
const turns = (count: number, change: object = {}): readonly string[] =>
  Array.from({ length: count }, (_, i) =>
    [...whoseTurn(["c", "a", "b"], i + 1, { compareWith, evaluateOn, ...change })].join(""),
  );

it("goes by ids, whoever is named first", () => {
  expect(turns(5)).toEqual(["ac", "abc", "b", "", "ac"]);
});

it("goes by an arm's own rounds, where two take turns", () => {
  const change = { compareWith: { method: "fedlora" } };
  expect(turns(6, change)).toEqual(["ac", "ac", "abc", "abc", "b", "b"]);
});

it("lasts until it has been measured", () => {
  const change = { evaluateOn: { kind: "devices", every: 3 } };
  expect(turns(9, change)).toEqual(["ac", "ac", "ac", "abc", "abc", "abc", "b", "b", "b"]);
});
