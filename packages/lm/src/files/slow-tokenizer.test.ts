/** The same tokens from vocab.json and merges.txt as from the tokenizer.json that Transformers wrote. */
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { tokenizerJsonOf } from "./slow-tokenizer.ts";
import { createTokenizer } from "./tokenizer.ts";

const FIXTURES = new URL("../../fixtures/models/", import.meta.url).pathname;
const readJson = async (path: string) => JSON.parse(await readFile(path, "utf8"));

test.each(["gpt2", "roberta"])("%s", async (name) => {
  const whole = await readJson(`${FIXTURES}${name}/tokenizer.json`);
  const config = await readJson(`${FIXTURES}${name}/tokenizer_config.json`);
  const { tokens } = (await readJson(`${FIXTURES}${name}/expected.json`)) as { tokens: { text: string }[] };
  const merges = whole.model.merges.map((pair: string[] | string) =>
    typeof pair === "string" ? pair : pair.join(" "),
  );
  const vocabulary = Object.fromEntries([
    ...Object.entries(whole.model.vocab),
    ...whole.added_tokens.map(({ content, id }: { content: string; id: number }) => [content, id]),
  ]);
  const made = tokenizerJsonOf(name, vocabulary, `#version: 0.2\n${merges.join("\n")}\n`, config);
  const shape = { vocabularySize: 100_000, endOfTextId: whole.added_tokens[0].id };
  const [{ tokenizer: a }, { tokenizer: b }] = [
    createTokenizer(whole, config, shape),
    createTokenizer(made, config, shape),
  ];
  expect(b).toMatchObject({ prefix: a.prefix, suffix: a.suffix });
  for (const { text } of tokens) {
    expect(b.encode(text)).toEqual(a.encode(text));
    expect(b.decode(b.encode(text))).toBe(a.decode(a.encode(text)));
  }
});

test.each([
  [
    "llama",
    { a: 0 },
    "a b",
    'vocab.json: stands for a whole tokenizer with gpt2 and roberta alone, not with "llama"',
  ],
  ["gpt2", [], "", "vocab.json: expected tokens with their ids, got []"],
  ["gpt2", { a: -1 }, "", 'vocab.json: expected tokens with their ids, got ["a",-1]'],
  [
    "gpt2",
    { a: 0, b: 1 },
    "#version: 0.2\na b",
    'merges.txt, line 2: expected a pair that vocab.json knows, got "a b"',
  ],
  ["gpt2", { a: 0 }, "#version: 0.2\na", 'merges.txt, line 2: expected two tokens, got "a"'],
  ["roberta", { a: 0 }, "", "vocab.json: expected the token </s>, got none"],
])("%s with %j is refused", (type, vocabulary, merges, message) => {
  expect(() => tokenizerJsonOf(type, vocabulary, merges, null)).toThrow(message);
});
