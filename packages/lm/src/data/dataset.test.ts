import { expect, test } from "vitest";
import { createBatch } from "./batches.ts";
import { answerFits, datasetFromSamples, joinDatasets, pickRows } from "./dataset.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** One id a letter, a = 1; 0 ends a text. */
const letters: Tokenizer = {
  endOfTextId: 0,
  prefix: [],
  suffix: [],
  between: [90],
  conversation: (turns, answer) => ({
    asked: [80, ...turns.flatMap(({ content }) => [...letters.encode(content), 81])],
    answer: [...letters.encode(answer), 82],
  }),
  encode: (text) => [...text].map((letter) => letter.charCodeAt(0) - 96),
  decode: (ids) => String.fromCharCode(...ids.map((id) => id + 96)),
};

test("language model: texts joined by end-of-text, windows overlap by one id", () => {
  const dataset = datasetFromSamples([{ text: "abc" }, { text: "de" }], letters, {
    kind: "language-model",
    sequenceLength: 2,
  });
  expect(dataset).toEqual({
    kind: "language-model",
    windows: [Int32Array.of(0, 1, 2), Int32Array.of(2, 3, 0), Int32Array.of(0, 4, 5)],
  });
});

test("language model: a rest that fills no window is dropped, a short text gives one short window", () => {
  const options = { kind: "language-model", sequenceLength: 4 } as const;
  const long = datasetFromSamples([{ text: "abcdef" }], letters, options);
  expect(long).toEqual({ kind: "language-model", windows: [Int32Array.of(0, 1, 2, 3, 4)] });
  const short = datasetFromSamples([{ text: "ab" }], letters, options);
  expect(short).toEqual({ kind: "language-model", windows: [Int32Array.of(0, 1, 2)] });
});

test("language model: what texts begin with begins every window, and each token is foretold once", () => {
  const beginning: Tokenizer = { ...letters, prefix: [91] };
  const windowsOf = (texts: readonly string[], sequenceLength: number): readonly (readonly number[])[] => {
    const samples = texts.map((text) => ({ text }));
    const dataset = datasetFromSamples(samples, beginning, { kind: "language-model", sequenceLength });
    return dataset.kind === "language-model" ? dataset.windows.map((window) => [...window]) : [];
  };
  expect(windowsOf(["abcdefg"], 3)).toEqual([
    [91, 1, 2, 3],
    [91, 4, 5, 6],
  ]);
  // Where a text begins with a window, it does so once; within one, its beginning stands after the end of the text before.
  expect(windowsOf(["ab", "cde"], 3)).toEqual([
    [91, 1, 2, 0],
    [91, 3, 4, 5],
  ]);
  expect(windowsOf(["a", "bcde"], 3)).toEqual([
    [91, 1, 0, 91],
    [91, 2, 3, 4],
  ]);
  expect(windowsOf(["abcd"], 1)).toEqual([
    [91, 1],
    [91, 2],
    [91, 3],
    [91, 4],
    [91, 0],
  ]);
  expect(windowsOf(["ab"], 9)).toEqual([[91, 1, 2, 0]]);
  const longer: Tokenizer = { ...letters, prefix: [91, 92] };
  expect(() =>
    datasetFromSamples([{ text: "ab" }], longer, { kind: "language-model", sequenceLength: 1 }),
  ).toThrow("expected a sequenceLength of at least 2, as long as what a text begins with, got 1");
});

test("classification: sequences are cut, an empty text is its end", () => {
  const samples = [
    { text: "abcd", label: 1 },
    { text: "", label: 0 },
  ];
  const dataset = datasetFromSamples(samples, letters, { kind: "classification", sequenceLength: 3 });
  expect(dataset).toEqual({
    kind: "classification",
    sequences: [Int32Array.of(1, 2, 3), Int32Array.of(0)],
    secondFrom: Int32Array.of(3, 1),
    labels: Int32Array.of(1, 0),
  });
});

test("what a model expects around a text is there, and only the text is cut", () => {
  const bounded: Tokenizer = { ...letters, prefix: [91], suffix: [92] };
  const samples = [
    { text: "abcd", label: 1 },
    { text: "", label: 0 },
  ];
  expect(datasetFromSamples(samples, bounded, { kind: "classification", sequenceLength: 4 })).toEqual({
    kind: "classification",
    sequences: [Int32Array.of(91, 1, 2, 92), Int32Array.of(91, 92)],
    secondFrom: Int32Array.of(4, 2),
    labels: Int32Array.of(1, 0),
  });
  const beginning: Tokenizer = { ...letters, prefix: [91] };
  expect(
    datasetFromSamples([{ text: "ab" }, { text: "c" }], beginning, {
      kind: "language-model",
      sequenceLength: 6,
    }),
  ).toEqual({ kind: "language-model", windows: [Int32Array.of(91, 1, 2, 0, 91, 3, 0)] });
  expect(() =>
    datasetFromSamples([{ text: "" }], beginning, { kind: "language-model", sequenceLength: 1 }),
  ).toThrow("got only empty samples");
});

test("regression: pairs have a mark between them, and the longer one is cut first", () => {
  const samples = [
    { text: "abcd", pair: "ef", value: 0.5 },
    { text: "a", pair: "bcdefg", value: -2 },
    { text: "alone", value: 3 },
  ];
  const dataset = datasetFromSamples(samples, letters, { kind: "regression", sequenceLength: 6 });
  expect(dataset).toEqual({
    kind: "regression",
    sequences: [
      Int32Array.of(1, 2, 3, 90, 5, 6),
      Int32Array.of(1, 90, 2, 3, 4, 5),
      Int32Array.of(1, 12, 15, 14, 5),
    ],
    secondFrom: Int32Array.of(4, 2, 5),
    values: Float32Array.of(0.5, -2, 3),
  });
  expect(() =>
    datasetFromSamples([{ text: "a", label: 1 }], letters, { kind: "regression", sequenceLength: 6 }),
  ).toThrow("expected a number for regression, got undefined (row 1)");
});

test("chat: a conversation of the whole length makes a batch of that length", () => {
  const samples = [{ context: [{ role: "user" as const, content: "a" }], text: "b".repeat(200) }];
  const dataset = datasetFromSamples(samples, letters, { kind: "chat", sequenceLength: 8 });
  expect(createBatch(dataset, [0]).length).toBe(8);
});

test("chat: only the answer is learnt, and what has none of it left is no sample", () => {
  const user = (content: string) => [{ role: "user", content } as const];
  const samples = [
    { text: "cd", context: user("ab") },
    { text: "x", context: user("abcdefgh") },
    { text: "abcdef", context: user("g") },
  ];
  const dataset = datasetFromSamples(samples, letters, { kind: "chat", sequenceLength: 6 });
  expect(dataset).toEqual({
    kind: "chat",
    sequences: [Int32Array.of(80, 1, 2, 81, 3, 4, 82), Int32Array.of(80, 7, 81, 1, 2, 3, 4)],
    answerFrom: Int32Array.of(4, 3),
  });
  expect(createBatch(dataset, [0, 1]).target).toEqual({
    kind: "next-tokens",
    ids: Int32Array.of(-1, -1, -1, 3, 4, 82, -1, -1, -1, -1, 1, 2, 3, 4, -1, -1),
  });
  expect(samples.map((sample) => answerFits(sample, letters, 6))).toEqual([true, false, true]);
  expect(() => datasetFromSamples(samples.slice(1, 2), letters, { kind: "chat", sequenceLength: 6 })).toThrow(
    "expected an answer that begins within 6 tokens, got none in 1 conversations",
  );
});

test("rows are picked and sets joined, whatever they are of", () => {
  const samples = [
    { text: "ab", pair: "c", label: 1, value: 1.5, context: [] },
    { text: "d", pair: "ef", label: 0, value: -1, context: [{ role: "user", content: "z" } as const] },
    { text: "ghi", pair: "j", label: 2, value: 0, context: [] },
  ];
  for (const kind of ["language-model", "chat", "classification", "regression"] as const) {
    const all = datasetFromSamples(samples, letters, { kind, sequenceLength: 4 });
    const rows = kind === "language-model" ? [0, 1] : [0, 1, 2];
    expect(joinDatasets(rows.map((row) => pickRows(all, [row])))).toEqual(pickRows(all, rows));
    expect(() => pickRows(all, [9])).toThrow("expected row 9");
  }
  expect(joinDatasets([])).toBeNull();
});

test("nothing to train on, a missing label and a zero length are refused", () => {
  const language = { kind: "language-model", sequenceLength: 4 } as const;
  expect(() => datasetFromSamples([], letters, language)).toThrow("expected at least one sample, got none");
  expect(() => datasetFromSamples([{ text: "" }], letters, language)).toThrow("got only empty samples");
  expect(() =>
    datasetFromSamples([{ text: "a", label: 0 }, { text: "b" }], letters, {
      kind: "classification",
      sequenceLength: 4,
    }),
  ).toThrow("expected a label of 0 or more for classification, got undefined (row 2)");
  expect(() => datasetFromSamples([{ text: "a" }], letters, { ...language, sequenceLength: 0 })).toThrow(
    "expected a sequenceLength of at least 1, got 0",
  );
});
