import { describe, expect, it } from "vitest";
import { privacyWords, textsPrivacyWords } from "./privacy-words.ts";
import "../words/english.fixture.ts";

describe("a promise in words", () => {
  it("says how sure anybody can become", () => {
    expect(privacyWords(0, 1e-5)).toContain("becomes 50% sure at most (but for a chance of 0.00001)");
    expect(privacyWords(1, 1e-5)).toContain("becomes 73.1% sure at most");
    expect(textsPrivacyWords(1, 1e-5)).toContain("was among its own, becomes 73.1% sure at most");
  });

  it("does not call protection what is none", () => {
    expect(privacyWords(8, 1e-5)).toContain("all but sure, so this is little protection");
    expect(textsPrivacyWords(8, 1e-5)).toContain("all but sure, so this is little protection");
  });
});
