import { expect, it } from "vitest";
import { positionOf, SLIDER_POSITIONS, valueAt } from "./slider-scale.ts";

const scale = { least: 2, most: 600 };

it("spans its range in equal ratios", () => {
  expect(valueAt(scale, 0)).toBe(2);
  expect(valueAt(scale, SLIDER_POSITIONS)).toBe(600);
  expect(valueAt(scale, 50)).toBe(35); // √(2·600) = 34.6
});

it("finds each position again from its value", () => {
  for (let position = 0; position <= SLIDER_POSITIONS; position++)
    expect(Math.abs(positionOf(scale, valueAt(scale, position)) - position)).toBeLessThanOrEqual(1);
});

it("holds values from elsewhere within the slider", () => {
  expect(positionOf(scale, 0.1)).toBe(0);
  expect(positionOf(scale, 86_400)).toBe(SLIDER_POSITIONS);
});
