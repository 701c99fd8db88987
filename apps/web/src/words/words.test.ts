import { beforeEach, describe, expect, it } from "vitest";
import { formatBytes, formatCount, formatPercent, formatSeconds } from "../ui/format.ts";
import { CHINESE, PARTS } from "./chinese.fixture.ts";
import { ENGLISH } from "./english.fixture.ts";
import { chooseLanguage, localeFor } from "./languages.ts";
import { type Message, rich, say, sayKnown, speak } from "./words.ts";

const textsOf = (message: Message): readonly string[] =>
  typeof message === "string" ? [message] : Object.values(message);
const placesOf = (text: string): readonly string[] =>
  [...text.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name ?? "").sort();

describe("the catalogue", () => {
  it("has the same keys in both languages, each in one part only", () => {
    expect(Object.keys(CHINESE).sort()).toEqual(Object.keys(ENGLISH).sort());
    expect(PARTS.reduce((sum, part) => sum + Object.keys(part).length, 0)).toBe(Object.keys(CHINESE).length);
  });

  it("has the same places in both languages and in every plural form, which counts something", () => {
    for (const key of Object.keys(ENGLISH) as (keyof typeof ENGLISH)[]) {
      const texts = [...textsOf(ENGLISH[key]), ...textsOf(CHINESE[key])];
      const places = [...new Set(texts.map((text) => placesOf(text).join()))];
      expect([key, places]).toEqual([key, [places[0]]]);
      if (typeof ENGLISH[key] !== "string") expect(places[0]?.split(",")).toContain("count");
      expect(texts.filter((text) => text.trim() === "" || text.includes("$"))).toEqual([]);
    }
  });

  it("leaves no English sentence in the Chinese part", () => {
    const isChinese = (text: string): boolean =>
      /\p{Script=Han}/u.test(text) || !/[a-z]{3,} [a-z]{2,}/.test(text);
    for (const [key, message] of Object.entries(CHINESE))
      for (const text of textsOf(message)) expect([key, isChinese(text)]).toEqual([key, true]);
  });
});

describe("a reader's language", () => {
  it.each([
    [null, ["de-DE", "zh-TW", "en-US"], "zh"],
    [null, ["de-DE"], "en"],
    [null, [], "en"],
    [null, ["C"], "en"],
    [null, ["en-US@posix"], "en"],
    ["en", ["zh-CN"], "en"],
    ["tlh", ["zh-CN"], "zh"],
    ["toString", ["fr"], "en"],
  ])("remembered %s, wanted %s: %s", (remembered, wanted, language) =>
    expect(chooseLanguage(remembered, wanted)).toBe(language),
  );

  it.each([
    ["en", ["zh-CN", "en-GB"], "en-GB"],
    ["en", ["en-US@posix"], "en"],
    ["zh", ["en"], "zh"],
    ["zh", ["zh-CN"], "zh-CN"],
    ["zh", ["zh-SG", "zh-TW"], "zh-SG"],
    ["zh", ["zh-TW"], "zh"],
    ["zh", ["zh-Hant-HK"], "zh"],
  ] as const)("%s of %s is written as in %s", (language, wanted, locale) =>
    expect(localeFor(language, wanted)).toBe(locale),
  );
});

describe("what is said", () => {
  beforeEach(() => speak("en", ENGLISH));

  it("takes the plural form that the language has", () => {
    expect(say("controls.start", { count: 1 })).toBe("Start with 1 device");
    expect(say("controls.start", { count: 2 })).toBe("Start with 2 devices");
    speak("zh", CHINESE);
    expect(say("controls.start", { count: 1 })).toBe("以 1 台设备开始");
  });

  it("writes numbers as the reader does", () => {
    expect(say("part.alone", { round: 12345 })).toContain("12,345");
    speak("en", ENGLISH, ["en-IN"]);
    expect(formatCount(1234567)).toBe("12,34,567");
    speak("zh", CHINESE, ["zh-CN"]);
    expect([formatSeconds(61), formatBytes(2_148_736), formatPercent(0.5)]).toEqual([
      "1分钟 1秒",
      "2.15 MB",
      "50%",
    ]);
  });

  it("keeps elements in their places", () => {
    expect(rich("lobby.count", { joined: "A", ready: "B" })).toEqual(["", "A", " joined, ", "B", " ready"]);
  });

  it("takes a text that it does not know as it was sent", () => {
    expect(sayKnown("task.presidents.title", "sent")).toBe("Speeches of presidents");
    expect(sayKnown("task.reviews.title", "Reviews")).toBe("Reviews");
    expect(sayKnown("toString", "sent")).toBe("sent");
  });
});
