import { ownSamples } from "@fedlodrop/device/page";
import { TextFaultError } from "@fedlodrop/tasks";
import { describe, expect, it } from "vitest";
import { faultWords } from "./fault-words.ts";
import { parseOwnTexts, readOwnFile } from "./own-file.ts";
import "../../words/english.fixture.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const spam = {
  name: "spam",
  title: "Spam",
  story: "",
  textsFrom: "coordinator",
  kind: "classification",
  labels: ["ham", "spam"],
  metric: "accuracy",
  prompts: [],
} as const;

const prose = { ...spam, kind: "language-model", labels: [] } as const;
const read = async (text: string, fileName: string, task: Parameters<typeof ownSamples>[1]) =>
  ownSamples(await readOwnFile(bytes(text), fileName), task);

describe("an own file", () => {
  it("is read again as it was kept, and nothing of what is damaged", async () => {
    const texts = await readOwnFile(bytes('{"text":"a","label":"x"}\n{"text":"b","label":"y"}'), "a.jsonl");
    expect(parseOwnTexts(JSON.stringify(texts))).toEqual(texts);
    for (const damaged of [
      "",
      "{",
      "null",
      "[]",
      '{"id":"1","fileName":"a.txt"}',
      '{"id":"1","fileName":"a.txt","rows":[{}]}',
    ])
      expect(parseOwnTexts(damaged)).toBeNull();
  });

  it("is another one each time it is read, also under the same name", async () => {
    const [first, second] = [
      await readOwnFile(bytes("a,b"), "a.txt"),
      await readOwnFile(bytes("a,b"), "a.txt"),
    ];
    expect(first.id).not.toBe(second.id);
    expect(first.rows).toEqual(second.rows);
  });

  it("keeps its labels for a task that wants them, and does without for one that does not", async () => {
    const rows = Array.from(
      { length: 60 },
      (_, i) => `"${"some words ".repeat(4)}${i}",${i % 2 ? "ham" : "spam"}`,
    );
    const texts = await readOwnFile(bytes(`text,label\n${rows.join("\n")}\n`), "mail.csv");
    expect(ownSamples(texts, spam).samples).toHaveLength(60);
    expect(ownSamples(texts, prose).heldOut.length).toBeGreaterThan(0);
  });

  it("trains a language model on a text file but for its last tenth", async () => {
    const text = Array.from({ length: 400 }, (_, i) => `Sentence number ${i} of my diary.`).join("\n\n");
    const { samples, heldOut } = await read(text, "diary.txt", prose);
    const joined = samples.map((sample) => sample.text).join("\n");
    expect(joined).toContain("Sentence number 0 ");
    expect(joined).not.toContain("Sentence number 399 ");
    expect(heldOut.map((sample) => sample.text).join("\n")).toContain("Sentence number 399 ");
  });

  it("turns label names into the task's label indices", async () => {
    const { samples } = await read("text,label\nwin money,Spam\nsee you at six,ham\n", "mail.csv", spam);
    expect(samples).toEqual([
      { text: "win money", label: 1 },
      { text: "see you at six", label: 0 },
    ]);
  });

  it("names the row whose label the task does not know", async () => {
    await expect(read("text,label\nhello,maybe\n", "mail.csv", spam)).rejects.toThrow(
      "mail.csv, line 2: expected a label (ham or spam), got maybe",
    );
  });

  const answers = { ...prose, kind: "chat" } as const;
  const pairs = { ...spam, pairs: true } as const;
  const scores = { ...spam, kind: "regression", labels: [] } as const;
  it.each([
    ["Hello.", "tiny.txt", prose, "It has 6 characters, and at least 2,000 are needed."],
    [" ".repeat(20_000_001), "a.txt", prose, "It has 20 MB, and 20 MB at most can be used."],
    [" ", "a.txt", prose, "There is no text in it."],
    ["a", "a.doc", prose, "It has to be a .txt, .jsonl, .csv, .tsv or .parquet file."],
    ["a\0b", "a.txt", prose, "It is no text file, or has broken characters."],
    ["PAR", "a.parquet", prose, "It cannot be read as a Parquet file."],
    ["a,b\n1,2", "a.csv", prose, "None of its columns holds texts: one has to be called text."],
    ["text,text\n1,2", "a.csv", prose, "There are several columns called text, and one is needed."],
    ["text,label\na", "a.csv", spam, "Line 2 cannot be read: it is not written as such a file's lines are."],
    ['{"text":', "a.jsonl", prose, "Line 1 cannot be read: it is not written as such a file's lines are."],
    ['{"text":1}', "a.jsonl", prose, "Line 1 has no usable text."],
    ['{"text":"a","label":[]}', "a.jsonl", spam, "Line 1 has no usable label."],
    [
      '{"messages":[]}',
      "a.jsonl",
      answers,
      "Line 1 is no conversation of a user and an assistant who answers.",
    ],
    ["text,label\na,maybe", "a.csv", spam, "Line 2 needs one of these labels: ham, spam."],
    ["text,label\na,many", "a.csv", scores, "Line 2 needs a number from -100 to 100 as its score."],
    ["text,label\na,ham", "a.csv", pairs, "Line 2 does not have two texts, as this run's samples have."],
    [
      "sentence1,sentence2,label\na,b,ham",
      "a.csv",
      spam,
      "Line 2 does not have one text, as this run's samples have.",
    ],
    ["text\na", "a.csv", answers, "Line 2 is no conversation, as this run's samples are."],
  ] as const)("that will not do is told why: %.20s, %s", async (text, fileName, task, words) => {
    const error: unknown = await read(text, fileName, task).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TextFaultError);
    expect(faultWords((error as TextFaultError).fault)).toBe(words);
  });
});
