import { expect, it } from "vitest";
import { cleanText } from "./clean-text.ts";

it.each([
  ["Ada Lovelace", "Ada Lovelace"],
  ["  two   words\n\tlines ", "two words lines"],
  ["\x1b]0;pwned\x07\x1b[2Jname\r\n", "]0;pwned[2Jname"],
  ["\u009b31mred", "31mred"],
  ["abc\u202Egnp.exe\u2066x\u2069", "abcgnp.exex"],
  ["\u200Bze\u2060ro\uFEFFwidth\u00AD", "zero width"],
  ["a\u2028b\u2029c", "a b c"],
  ["tag\u{E0041}\u{E0042}", "tag"],
  ["lone \uD800 surrogate", "lone surrogate"],
  ["Zoë", "Zoë"],
  ["שלום عليكم", "שלום عليكم"],
  ["می\u200cخواهم", "می\u200cخواهم"],
  ["👩‍👩‍👧‍👦 family", "👩‍👩‍👧‍👦 family"],
  ["<b onclick=x>", "<b onclick=x>"],
  ["=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0"],
  ["\u200b\u202e\u3164\u200d", ""],
  ["", ""],
])("%j becomes %j", (text, clean) => {
  expect(cleanText(text, 40)).toBe(clean);
  expect(cleanText(clean, 40)).toBe(clean);
});

it("cuts what is too long between characters, not within them", () => {
  expect(cleanText("x".repeat(10_000), 40)).toBe("x".repeat(40));
  expect(cleanText("👍🏽".repeat(50), 5)).toBe("👍🏽👍🏽");
  expect(cleanText(`${"é".normalize("NFD")}`.repeat(50), 3)).toBe("ééé");
});

it("keeps marks from stacking over the lines around", () => {
  const zalgo = `z${"\u0300\u0301\u0302\u0303".repeat(20)}algo`;
  expect(cleanText(zalgo, 40).length).toBeLessThanOrEqual(9);
  expect(cleanText(`${"\u0301".repeat(90_000)}`, 40)).toBe("");
});

it("never leaves a control, a line end or an override, whatever comes", () => {
  let seed = 7;
  const next = (below: number): number => {
    seed = (seed * 48271) % 2147483647;
    return seed % below;
  };
  for (let run = 0; run < 2000; run++) {
    const text = String.fromCharCode(
      ...Array.from({ length: next(60) }, () => next(run % 2 ? 0x300 : 0x10000)),
    );
    const clean = cleanText(text, 20);
    expect(clean).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u);
    expect([...graphemesOf(clean)].length).toBeLessThanOrEqual(20);
    expect(cleanText(clean, 20)).toBe(clean);
  }
});

const graphemesOf = (text: string) => new Intl.Segmenter().segment(text);
