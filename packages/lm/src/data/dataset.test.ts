import { expect, test } from "vitest";
import { datasetFromSamples } from "./dataset.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** One id a letter, a = 1; 0 ends a text. */
const letters: Tokenizer = {
  endOfTextId: 0,
  prefix: [],
  suffix: [],
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

test("classification: sequences are cut, an empty text is its end", () => {
  const samples = [
    { text: "abcd", label: 1 },
    { text: "", label: 0 },
  ];
  const dataset = datasetFromSamples(samples, letters, { kind: "classification", sequenceLength: 3 });
  expect(dataset).toEqual({
    kind: "classification",
    sequences: [Int32Array.of(1, 2, 3), Int32Array.of(0)],
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
