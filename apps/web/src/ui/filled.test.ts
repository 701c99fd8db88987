import { expect, it } from "vitest";
import { isFilled, placedBand } from "./filled.ts";

const x = [0, 1, 2, 3];

it.each([
  ["above at the end", [3, 2, 2, 4], [3, 3, 3, 3], true],
  ["never above", [3, 2, 2, 2], [3, 3, 3, 3], false],
  ["one line twice", [3, 2, 1, 2], [3, 2, 1, 2], false],
  ["above where the other has ended", [3, 2, 2, 4], [3, 3, 3], false],
  ["above where the other has not begun", [4, 2, 2, 2], [null, 3, 3, 3], false],
  ["above at a value that the other lacks", [3, 4, 3, 3], [3, null, 3, 3], true],
  ["above where it has none itself", [3, null, null, 6], [3, 3, 3.5, 6], true],
  ["above by next to nothing", [3, 3.1, 3.1, 3.1], [3, 3, 3, 3], false],
  ["no values", [null, null], [], false],
] as const)("%s", (_, upper, lower, expected) => {
  expect(isFilled(upper, lower, x, 0.2)).toBe(expected);
});

it("finds its lines among those that are drawn, and nothing to fill where one of them is not", () => {
  const [none, above, below] = [
    [null, null],
    [3, 4, 4, 4],
    [3, 3, 3, 3],
  ].map((values) => ({ values }));
  const all = [none!, above!, below!];
  const band = { upper: 1, lower: 2, least: 0.2, color: "--memorised", label: "memorised" };
  expect(placedBand(band, all, [above!, below!], x)).toEqual({ ...band, upper: 0, lower: 1 });
  expect(placedBand({ ...band, upper: 2, lower: 1 }, all, [above!, below!], x)).toBeUndefined();
  expect(placedBand({ ...band, upper: 0 }, all, [above!, below!], x)).toBeUndefined();
});
