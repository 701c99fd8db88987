import { describe, expect, it } from "vitest";
import { readOwnFile } from "./own-file.ts";

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

describe("readOwnFile", () => {
  it("trains a language model on a text file but for its last tenth", () => {
    const text = Array.from({ length: 400 }, (_, i) => `Sentence number ${i} of my diary.`).join("\n\n");
    const { fileName, samples, heldOut } = readOwnFile(bytes(text), "diary.txt", null);
    expect(fileName).toBe("diary.txt");
    const joined = samples.map((sample) => sample.text).join("\n");
    expect(joined).toContain("Sentence number 0 ");
    expect(joined).not.toContain("Sentence number 399 ");
    expect(heldOut.map((sample) => sample.text).join("\n")).toContain("Sentence number 399 ");
  });

  it("turns label names into the task's label indices", () => {
    const { samples } = readOwnFile(bytes("text,label\nwin money,Spam\nsee you at six,ham\n"), "mail.csv", {
      ...spam,
      labels: [...spam.labels],
      prompts: [],
    });
    expect(samples).toEqual([
      { text: "win money", label: 1 },
      { text: "see you at six", label: 0 },
    ]);
  });

  it("names the row whose label the task does not know", () => {
    expect(() =>
      readOwnFile(bytes("text,label\nhello,maybe\n"), "mail.csv", {
        ...spam,
        labels: [...spam.labels],
        prompts: [],
      }),
    ).toThrow("mail.csv, line 2: expected a label (ham or spam), got maybe");
  });

  it("says what is wrong with a file that has too little text", () => {
    expect(() => readOwnFile(bytes("Hello."), "tiny.txt", null)).toThrow(/tiny\.txt: expected at least/);
  });
});
