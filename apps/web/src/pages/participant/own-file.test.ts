import { ownSamples } from "@fedlodrop/device/page";
import { describe, expect, it } from "vitest";
import { parseOwnTexts, readOwnFile } from "./own-file.ts";

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
const read = async (text: string, fileName: string, task: typeof spam | typeof prose) =>
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

  it("says what is wrong with a file that has too little text", async () => {
    await expect(read("Hello.", "tiny.txt", prose)).rejects.toThrow(/tiny\.txt: expected at least/);
  });
});
