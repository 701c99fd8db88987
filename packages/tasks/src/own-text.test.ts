import { expect, test } from "vitest";
import { decodeText } from "./decode-text.ts";
import { ownTextGroup, taskFromRows } from "./own-text.ts";
import { MAXIMUM_FILE_BYTES, readTextRows } from "./text-rows.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);
const utf16 = (text: string, { bigEndian = false, mark = true } = {}) =>
  Uint8Array.from(
    [...(mark ? "\ufeff" : ""), ...text]
      .join("")
      .split("")
      .flatMap((unit) => {
        const code = unit.charCodeAt(0);
        return bigEndian ? [code >> 8, code & 255] : [code & 255, code >> 8];
      }),
  );
const latin1 = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const prose = Array.from(
  { length: 100 },
  (_, index) => `Sentence number ${index} says something of its own.`,
).join(" ");

test.each([
  ["utf-8", utf8("Grüße, 世界 🙂")],
  ["utf-8", utf8("\ufeffGrüße, 世界 🙂")],
  ["utf-16le", utf16("Grüße, 世界 🙂")],
  ["utf-16be", utf16("Grüße, 世界 🙂", { bigEndian: true })],
])("%s is recognised", (encoding, bytes) => {
  expect(decodeText(bytes, "f.txt")).toEqual({ text: "Grüße, 世界 🙂", encoding });
});

test("UTF-16 without a mark and Latin-1 are recognised", () => {
  expect(decodeText(utf16("plain English", { mark: false }), "f.txt").encoding).toBe("utf-16le");
  expect(decodeText(utf16("plain English", { mark: false, bigEndian: true }), "f.txt").encoding).toBe(
    "utf-16be",
  );
  expect(decodeText(latin1("d\u00e9j\u00e0 vu"), "f.txt")).toEqual({
    text: "déjà vu",
    encoding: "windows-1252",
  });
});

test.each([
  [
    "binary",
    "a.txt",
    Uint8Array.from({ length: 4000 }, (_, i) => (i * 7919) % 256),
    "expected a text file, got binary data",
  ],
  [
    "half a UTF-16 pair",
    "a.txt",
    utf16("\ud800 and so on"),
    "expected valid utf-16le text, got broken characters",
  ],
  ["empty", "a.txt", new Uint8Array(), "expected text, got no rows with any"],
  ["blank", "a.txt", utf8(" \n\t "), "expected text, got no rows with any"],
  ["too large", "a.txt", new Uint8Array(MAXIMUM_FILE_BYTES + 1), "expected at most 20 MB, got 20.0 MB"],
  ["another kind of file", "a.pdf", utf8(prose), "expected a .txt, .jsonl, .csv, .tsv or .parquet file"],
  [
    "broken JSON",
    "a.jsonl",
    utf8('{"text":"x"}\n{"text":'),
    ', line 2: the JSON is broken (Unexpected end of JSON input), got {"text":',
  ],
  [
    "a comma after a JSON line",
    "a.jsonl",
    utf8('{"text":"x"},\n'),
    ', line 1: the JSON is broken (a comma follows it; each line is a value of its own), got {"text":"x"},',
  ],
  [
    "a label of another type",
    "a.jsonl",
    utf8('\n{"text":"x","label":["a"]}'),
    ', line 2: expected "label" to be text, a number, true or false, got ["a"]',
  ],
  [
    "JSON of another shape",
    "a.jsonl",
    utf8('{"body":"x"}'),
    ', line 1: expected an object with a string "text"',
  ],
  [
    "a table without the column",
    "a.csv",
    utf8("body,label\nx,y\n"),
    'expected a column "text", got body, label',
  ],
  ["a table of a header", "a.csv", utf8("text,label\n"), "expected text, got no rows with any"],
  [
    "a row of too many fields",
    "a.csv",
    utf8("text,label\nx,y\nx,y,z\n"),
    ", line 3: expected 2 fields, as the header has, got 3",
  ],
  [
    "a row of too few fields, after one of two lines and a blank one",
    "a.csv",
    utf8('text,label\r\n"x\r\nx",y\r\n\r\nx\r\n'),
    ", line 5: expected 2 fields, as the header has, got 1",
  ],
  ["a broken quote in a .csv", "a.csv", utf8('text,label\nx,y\n"a" b,y\n'), ", line 3: Trailing quote"],
])("%s is refused in one line", (_, fileName, bytes, message) => {
  expect(() => readTextRows(bytes, fileName)).toThrow(message);
  try {
    readTextRows(bytes, fileName);
  } catch (error) {
    expect(String(error)).toContain(fileName);
    expect(String(error)).not.toContain("\n");
  }
});

test("rows of tables and JSON lines", () => {
  const csv = 'Text, Label ,device\n"He said ""no"",\nthen left",1,Ann\n\nBye,0,\n';
  expect(readTextRows(utf8(csv), "t.csv")).toEqual([
    { text: 'He said "no",\nthen left', label: "1", device: "Ann", line: 2 },
    { text: "Bye", label: "0", line: 5 },
  ]);
  expect(readTextRows(utf8("text\tlabel\na, b\tx\n"), "t.tsv")).toEqual([
    { text: "a, b", label: "x", line: 2 },
  ]);
  expect(readTextRows(utf8('{"text":"a","label":2}\r\n\n{"text":"b"}'), "t.JSONL")).toEqual([
    { text: "a", label: "2", line: 1 },
    { text: "b", line: 3 },
  ]);
});

test("truth values are labels, null is none", () => {
  const jsonl = '{"text":"a","label":true}\n{"text":"b","label":false}\n{"text":"c","label":null}';
  expect(readTextRows(utf8(jsonl), "t.jsonl").map(({ label }) => label)).toEqual([
    "true",
    "false",
    undefined,
  ]);
});

test.each([
  ["a field that begins with a quote", '"quoted" start\tpos', '"quoted" start'],
  ["a quote that never ends", '"quoted start\tpos', '"quoted start'],
  ["a field that is quoted as a whole", '"a ""b"", c"\tpos', 'a "b", c'],
  ["a quoted tab", '"a\tb"\tpos', "a b"],
])("a .tsv with %s", (_, row, text) => {
  const rows = readTextRows(
    utf8(`text\tlabel\n${row}\nmore\tneg\n"last" one\tneg\n`.replace(/"last".*/, "last\tneg")),
    "t.tsv",
  );
  expect(rows.map((read) => [read.text.replace("\t", " "), read.label, read.line])).toEqual([
    [text, "pos", 2],
    ["more", "neg", 3],
    ["last", "neg", 4],
  ]);
});

test("quotes that happen to pair over rows of a .tsv do not join them", () => {
  const rows = readTextRows(utf8('text\tlabel\n"open\tpos\nmiddle\tneg\nclose"\tneg\n'), "t.tsv");
  expect(rows.map(({ text }) => text)).toEqual(['"open', "middle", 'close"']);
});

test("own text: the last tenth is held out, nothing is lost", () => {
  const { train, heldOut } = ownTextGroup(readTextRows(utf8(prose), "notes.txt"), "notes.txt");
  const joined = (samples: readonly { text: string }[]) => samples.map(({ text }) => text).join(" ");
  expect(`${joined(train)} ${joined(heldOut)}`).toBe(prose);
  expect(joined(heldOut).length / prose.length).toBeCloseTo(0.1, 1);
  expect(joined(heldOut).startsWith("Sentence")).toBe(true);
  expect(() => ownTextGroup(readTextRows(utf8("too short"), "notes.txt"), "notes.txt")).toThrow(
    "notes.txt: expected at least 2000 characters, got 9",
  );
});

test("a task file with labels is classification, by device", () => {
  const rows = Array.from({ length: 100 }, (_, index) => ({
    text: `row ${index}`,
    label: index % 2 ? "yes" : "no",
    device: index % 3 ? "Ann" : "Bob",
    line: index + 2,
  }));
  const { definition, groups } = taskFromRows(rows, "f.csv");
  expect(definition).toMatchObject({
    name: "f.csv",
    kind: "classification",
    labels: ["no", "yes"],
    prompts: [],
  });
  expect(groups.map(({ name }) => name)).toEqual(["Bob", "Ann"]);
  const all = groups.flatMap(({ train, heldOut }) => [...train, ...heldOut]);
  expect(new Set(all.map(({ text }) => text)).size).toBe(100);
  expect(all.find(({ text }) => text === "row 7")?.label).toBe(1);

  expect(() => taskFromRows([...rows, { text: "x", line: 102 }], "f.csv")).toThrow(
    "f.csv, line 102: expected a label on every row or on none, got 100 of 101",
  );
  expect(() =>
    taskFromRows(
      rows.filter(({ label }) => label === "no"),
      "f.csv",
    ),
  ).toThrow('f.csv: expected two labels or more, got only "no"');
});

test("spellings of one label are one label, as in the page", () => {
  const spellings = ["Pos", "neg", " pos ", "NEG"];
  const rows = Array.from({ length: 40 }, (_, index) => ({
    text: `row ${index}`,
    label: spellings[index % 4] as string,
    line: index + 2,
  }));
  const { definition, groups } = taskFromRows(rows, "f.csv");
  expect(definition.labels).toEqual(["Pos", "neg"]);
  const all = groups.flatMap(({ train, heldOut }) => [...train, ...heldOut]);
  expect(all.find(({ text }) => text === "row 2")?.label).toBe(0);
  expect(all.find(({ text }) => text === "row 3")?.label).toBe(1);
});

test("a task file without labels is a language model, with enough text for each device", () => {
  const { definition, groups } = taskFromRows(
    [
      { text: prose, device: "Ann", line: 1 },
      { text: prose, device: "Bob", line: 2 },
    ],
    "f.jsonl",
  );
  expect(definition.kind).toBe("language-model");
  expect(groups.map(({ name, heldOut }) => [name, heldOut.length])).toEqual([
    ["Ann", 1],
    ["Bob", 1],
  ]);
  expect(() =>
    taskFromRows(
      [
        { text: prose, device: "Ann", line: 1 },
        { text: "short", device: "Bob", line: 2 },
      ],
      "f.jsonl",
    ),
  ).toThrow('f.jsonl: expected at least 2000 characters for device "Bob", got 5');
});
