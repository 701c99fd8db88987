import { afterAll, expect, it } from "vitest";
import { CHINESE } from "../../words/chinese.fixture.ts";
import { ENGLISH } from "../../words/english.fixture.ts";
import { speak } from "../../words/words.ts";
import { nickname, visibleNickname } from "./nickname.ts";

afterAll(() => speak("en", ENGLISH));

it("makes a name of the reader's language of any two numbers", () => {
  expect(nickname([0, 10])).toBe("Amber Otter");
  expect(nickname([25, 2 ** 32 - 1])).toBe("Brisk Egret");
  speak("zh", CHINESE);
  expect(nickname([2, 10])).toBe("平静的水獭");
});

it("takes a name that nobody would see for none", () => {
  for (const typed of ["", "   ", "\u200b", "\u202e ", "\u3164"]) expect(visibleNickname(typed)).toBeNull();
  expect(visibleNickname(" Ada\u202e ")).toBe("Ada\u202e");
});
