import { expect, test } from "vitest";
import { readTextRows } from "./text-rows.ts";

const rows = (name: string, text: string) =>
  readTextRows(new TextEncoder().encode(text), name).map(({ text, label }) => [text, label]);

test.each([
  ["semicolons between few rows", "a.csv", 'text;label\n"a, b; c";x\n', [["a, b; c", "x"]]],
  [
    "semicolons, more commas than those",
    "a.csv",
    "label;text\nx;a, b, c\ny;d, e\n",
    [
      ["a, b, c", "x"],
      ["d, e", "y"],
    ],
  ],
  ["bars", "a.csv", 'id|"Text"|label\n1|a|x\n', [["a", "x"]]],
  [
    "lines that end in CR alone",
    "a.jsonl",
    '{"text":"a"}\r{"text":"b"}\r',
    [
      ["a", undefined],
      ["b", undefined],
    ],
  ],
  ["numbers as names", "a.jsonl", '{"text":"a","label":-1.5}\n', [["a", "-1.5"]]],
])("takes %s", (_, name, text, expected) => {
  expect(rows(name, text)).toEqual(expected);
});

test.each([
  [
    "two columns of a name",
    "a.csv",
    "text,label,label\na,x,y\n",
    'a.csv: expected one column "label", got several',
  ],
  ["two texts", "a.tsv", "text\tText\na\tb\n", 'a.tsv: expected one column "text", got several'],
  [
    "a number that JSON cannot tell from its neighbour",
    "a.jsonl",
    '{"text":"a","label":12345678901234567890}\n',
    'a.jsonl, line 1: "label" is a number of more digits than are read exactly: write it as text, in quotes',
  ],
  [
    "a number beyond all numbers",
    "a.jsonl",
    '{"text":"a","device":1e999}\n',
    'a.jsonl, line 1: "device" is a number of more digits than are read exactly: write it as text, in quotes',
  ],
])("refuses %s", (_, name, text, message) => {
  expect(() => rows(name, text)).toThrow(message);
});
