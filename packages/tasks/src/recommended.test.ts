import { expect, it } from "vitest";
import { classification, dropoutRateFor, languageModel } from "./recommended.ts";

it("drops what the table of docs/tasks.md found best for so many devices", () => {
  expect([1, 2, 4, 8, 30].map((devices) => dropoutRateFor(languageModel, devices))).toEqual([
    0.7, 0.7, 0.5, 0.5, 0.3,
  ]);
  expect([2, 30].map((devices) => dropoutRateFor(classification, devices))).toEqual([0.7, 0.7]);
});
