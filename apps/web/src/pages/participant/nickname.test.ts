import { afterAll, expect, it } from "vitest";
import { CHINESE } from "../../words/chinese.fixture.ts";
import { ENGLISH } from "../../words/english.fixture.ts";
import { speak } from "../../words/words.ts";
import { nickname } from "./nickname.ts";

afterAll(() => speak("en", ENGLISH));

it("makes a name of the reader's language of any two numbers", () => {
  expect(nickname([0, 10])).toBe("Amber Otter");
  expect(nickname([25, 2 ** 32 - 1])).toBe("Brisk Egret");
  speak("zh", CHINESE);
  expect(nickname([2, 10])).toBe("平静的水獭");
});
