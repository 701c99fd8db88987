import { afterEach, expect, it } from "vitest";
import { CHINESE } from "../../words/chinese.fixture.ts";
import { ENGLISH } from "../../words/english.fixture.ts";
import { speak } from "../../words/words.ts";
import { INITIAL_STATE, type RoundProgress } from "./state.ts";
import { textsSentences } from "./texts-sentences.ts";

const given = { ...INITIAL_STATE, source: { kind: "assigned", device: "Obama" }, sampleCount: 12 } as const;
const rounds = [{} as RoundProgress];

afterEach(() => speak("en", ENGLISH));

it("says with how many others a device shares its texts, and in the lobby when devices do", () => {
  expect(textsSentences({ ...given, sampleCount: null })).toBe("");
  expect(textsSentences(given)).toMatch(/Obama \(12 training samples\), .* private ones\.$/);
  expect(textsSentences({ ...given, sharedWith: 1 })).toMatch(
    /private ones\. You share your texts with 1 other device\. Where there are more devices than parts, some share\.$/,
  );
  expect(textsSentences({ ...given, sharedWith: 2 })).toMatch(
    /You share your texts with 2 others\. Where there are more devices than parts, some share\.$/,
  );
  expect(textsSentences({ ...given, rounds, sharedWith: 1 })).toMatch(/with 1 other device\.$/);
  expect(textsSentences({ ...given, rounds, sharedWith: 2 })).toMatch(/with 2 others\.$/);
});

it("says so in Chinese", () => {
  speak("zh", CHINESE);
  expect(textsSentences({ ...given, sharedWith: 2 })).toMatch(
    /另有 2 台设备与你共用这些文本。设备比文本的份数多时，会有设备共用。$/,
  );
  expect(textsSentences({ ...given, rounds, sharedWith: 2 })).toMatch(/另有 2 台设备与你共用这些文本。$/);
});

it("says of texts of one's own that they stay", () => {
  const source = { kind: "own", fileName: "diary.txt" } as const;
  expect(textsSentences({ ...given, source, sharedWith: 2 })).toMatch(/diary\.txt .* stays in this tab\.$/);
});
