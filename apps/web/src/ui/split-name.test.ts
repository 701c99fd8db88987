import { afterEach, expect, it, vi } from "vitest";
import { splitName } from "./split-name.ts";

afterEach(() => void vi.unstubAllGlobals());

it.each([
  ["crowd 12", "crowd", " 12"],
  ["Bo", "", "Bo"],
  ["", "", ""],
  ["小明的笔记本电脑", "小明的笔记", "本电脑"],
  ["Zoë 👩‍👩‍👧🇨🇭e\u0301", "Zoë ", "👩‍👩‍👧🇨🇭e\u0301"],
])("%s keeps its end whole", (name, beginning, end) => {
  expect(splitName(name)).toEqual([beginning, end]);
});

it("cuts no code point in two where the browser knows no more", () => {
  vi.stubGlobal("Intl", {});
  expect(splitName("ada 🐝🐝🐝")).toEqual(["ada ", "🐝🐝🐝"]);
});
