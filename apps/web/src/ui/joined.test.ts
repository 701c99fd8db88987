import { afterAll, expect, it } from "vitest";
import { CHINESE } from "../words/chinese.fixture.ts";
import { ENGLISH } from "../words/english.fixture.ts";
import { speak } from "../words/words.ts";
import { listed, sentences } from "./joined.ts";
import { partName } from "./part-name.ts";

afterAll(() => speak("en", ENGLISH));

it("puts texts together as the language does, those that there are", () => {
  expect(sentences("One.", false, "", null, "Two.", "Three.")).toBe("One. Two. Three.");
  expect(listed(["a", "b", "c"])).toBe("a, b, c");
  expect(sentences()).toBe("");
  speak("zh", CHINESE);
  expect(sentences("一。", undefined, "二。")).toBe("一。二。");
  expect(listed(["甲", "乙"])).toBe("甲、乙");
});

it("names a part of somebody's texts, and leaves other names as they are", () => {
  speak("zh", CHINESE);
  expect(partName("Barack Obama, part 12")).toBe("Barack Obama，第 12 部分");
  expect(partName("Barack Obama")).toBe("Barack Obama");
});
