import { expect, it } from "vitest";
import { splitName } from "./split-name.ts";

it.each([
  ["crowd 12", "crowd", " 12"],
  ["Bo", "", "Bo"],
  ["", "", ""],
  ["小明的笔记本电脑", "小明的笔记", "本电脑"],
  ["Zoë 👩‍👩‍👧🇨🇭e\u0301", "Zoë ", "👩‍👩‍👧🇨🇭e\u0301"],
])("%s keeps its end whole", (name, beginning, end) => {
  expect(splitName(name)).toEqual([beginning, end]);
});
