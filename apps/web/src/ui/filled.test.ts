import { expect, it } from "vitest";
import { isFilled } from "./filled.ts";

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
