import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { taskFromRows } from "./own-text.ts";
import { readRows } from "./read-rows.ts";

const fixture = (name: string) => readFile(new URL(`../fixtures/${name}.parquet`, import.meta.url));
const lines = (text: string, name: string) => readRows(new TextEncoder().encode(text), name);

/** Rows as GLUE's files have them, under its header. */
const table = (header: string, row: (index: number) => string, count = 40): string =>
  [header, ...Array.from({ length: count }, (_, index) => row(index))].join("\n");

test.each([
  ["SST-2", "sentence\tlabel", (i: number) => `a "fine film ${i}\t${i % 2}`],
  ["RTE", "index\tsentence1\tsentence2\tlabel", (i: number) => `${i}\tone ${i}\tother\tentailment${i % 2}`],
  ["QNLI", "index\tquestion\tsentence\tlabel", (i: number) => `${i}\twho ${i}?\tshe\tnot${i % 2}`],
  [
    "QQP",
    "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate",
    (i: number) => `${i}\t1\t2\twhy ${i}?\thow?\t${i % 2}`,
  ],
  [
    "MRPC",
    "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String",
    (i: number) => `${i % 2}\t1\t2\tone ${i}\tthe other "one`,
  ],
  [
    "MNLI",
    "index\tgenre\tsentence1\tsentence2\tlabel1\tgold_label",
    (i: number) => `${i}\tslate\tone ${i}\tother\tneutral\t${["neutral", "contradiction"][i % 2]}`,
  ],
])("a file like %s is a classification", async (name, header, row) => {
  const rows = await lines(table(header, row), "train.tsv");
  const { definition, groups } = taskFromRows(rows, "train.tsv");
  expect(definition).toMatchObject({ kind: "classification", pairs: name !== "SST-2", metric: "accuracy" });
  expect(definition.labels).toHaveLength(2);
  const samples = groups.flatMap(({ train, heldOut }) => [...train, ...heldOut]);
  expect(samples).toHaveLength(40);
  expect(samples.every(({ pair }) => (pair !== undefined) === definition.pairs)).toBe(true);
});

test("a file like STS-B is a regression, for its column is a score or its numbers are not whole", async () => {
  const header = "index\tgenre\tsentence1\tsentence2\tscore";
  const rows = await lines(
    table(header, (i) => `${i}\tnews\tone ${i}\tother\t${i % 6}`),
    "dev.tsv",
  );
  const { definition, groups } = taskFromRows(rows, "dev.tsv");
  expect(definition).toMatchObject({ kind: "regression", labels: [], pairs: true, metric: "pearson" });
  const samples = groups.flatMap(({ train, heldOut }) => [...train, ...heldOut]);
  expect(samples.find(({ text }) => text === "one 5")).toEqual({ text: "one 5", pair: "other", value: 5 });

  const odd = table(header, (i) => `${i}\tnews\tone ${i}\tother\t${i === 7 ? "n/a" : i / 8}`);
  expect(() => taskFromRows(rowsOf(odd), "dev.tsv")).toThrow(
    "dev.tsv, line 9: expected a number from −100 to 100 as the score, got n/a",
  );
  function rowsOf(text: string) {
    return text
      .split("\n")
      .slice(1)
      .map((line, index) => {
        const [, , first = "", pair = "", label = ""] = line.split("\t");
        return { text: first, pair, label, isScore: true as const, line: index + 2 };
      });
  }
});

test("Parquet: pairs with the names of their classes, numbers, and conversations", async () => {
  const pairs = taskFromRows(await readRows(await fixture("pairs"), "pairs.parquet"), "pairs.parquet");
  expect(pairs.definition).toMatchObject({
    ...{ kind: "classification", pairs: true, labels: ["not_equivalent", "equivalent"] }, // in the file's order: GLUE's F1 is of the second
  });
  const [first] = await readRows(await fixture("pairs"), "pairs.parquet");
  expect(first).toEqual({
    ...{
      text: "the first text, number 0",
      pair: "größer als 0",
      label: "not_equivalent",
      classNumber: 0,
      line: 1,
    },
  });
  const similarity = await readRows(await fixture("similarity"), "similarity.parquet");
  expect(taskFromRows(similarity, "similarity.parquet").definition.kind).toBe("regression");
  const [chat] = await readRows(await fixture("chat"), "chat.parquet");
  expect(chat).toEqual({
    ...{ text: "answer 0", context: [{ role: "user", content: "question 0" }], line: 1 },
  });
});

test("what is no Parquet is refused in one line", async () => {
  const bytes = new Uint8Array(400).fill(7);
  await expect(readRows(bytes, "a.parquet")).rejects.toThrow(
    /^a\.parquet: cannot be read as Parquet \(.+\)$/,
  );
  const whole = await fixture("pairs");
  await expect(readRows(whole.subarray(0, -9), "cut.parquet")).rejects.toThrow(
    /^cut\.parquet: cannot be read/,
  );
});

const messages = (...contents: string[]) => ({
  messages: contents.map((content, at) => ({ role: at % 2 ? "assistant" : "user", content })),
});

test.each([
  ["messages", messages("Why?", "Because.")],
  [
    "from and value",
    {
      conversations: [
        { from: "human", value: "Why?" },
        { from: "gpt", value: "Because." },
      ],
    },
  ],
  ["prompt and completion", { prompt: "Why?", completion: "Because." }],
  ["instruction and output", { instruction: "Why?", input: "", output: "Because." }],
])("a conversation as %s is an answer to what was said", async (_, value) => {
  const [row] = await lines(`${JSON.stringify(value)}\n`, "chat.jsonl");
  expect(row).toEqual({ text: "Because.", context: [{ role: "user", content: "Why?" }], line: 1 });
});

test("a table's question and answer are a conversation, whatever stands between them", async () => {
  const asked = { context: [{ role: "user", content: "Why?\n\nIt rains." }], text: "Because.", line: 2 };
  expect(await lines("instruction,input,output\nWhy?,It rains.,Because.\n", "chat.csv")).toEqual([asked]);
  expect(await lines("Prompt;device;Completion\nWhy?;Ann;Because.\n", "chat.csv")).toEqual([
    { ...asked, context: [{ role: "user", content: "Why?" }], device: "Ann" },
  ]);
  expect(await lines('prompt\tresponse\nWhy?\tI said "no.\n', "chat.tsv")).toEqual([
    { ...asked, context: [{ role: "user", content: "Why?" }], text: 'I said "no.' },
  ]);
  await expect(lines("prompt,completion\nWhy?,Because.\nWhen?,\n", "chat.csv")).rejects.toThrow(
    "chat.csv, line 3: expected a turn of the user and an answer of the assistant to it",
  );
  await expect(lines("prompt,prompt,completion\na,b,c\n", "chat.csv")).rejects.toThrow(
    'chat.csv: expected one column "prompt", got several',
  );
});

test("each answer of a conversation is learnt, after all that went before", async () => {
  const rows = await lines(JSON.stringify(messages("a?", "b", "c?", "d")), "chat.jsonl");
  expect(rows.map(({ text, context }) => [text, context?.length])).toEqual([
    ["b", 1],
    ["d", 3],
  ]);
  const many = Array.from({ length: 40 }, (_, i) => JSON.stringify(messages(`question ${i}`, "yes")));
  const { definition, groups } = taskFromRows(await lines(many.join("\n"), "c.jsonl"), "c.jsonl");
  expect(definition).toMatchObject({ kind: "chat", metric: "perplexity" });
  // The same answer to other questions is another sample.
  expect(groups.flatMap(({ train, heldOut }) => [...train, ...heldOut])).toHaveLength(40);
});

test.each([
  ["no answer", messages("Why?"), "expected a turn of the user and an answer of the assistant to it"],
  [
    "an unknown speaker",
    { messages: [{ role: "tool", content: "x" }] },
    'expected turn 1 to be of system, user, human, assistant, gpt, model, got "tool"',
  ],
  ["no text", { messages: [{ role: "user", content: 7 }] }, "expected turn 1 to have a text as its content"],
  ["half a pair", { sentence1: "a", sentence2: null, label: 1 }, 'expected a string "sentence2", got null'],
])("%s is refused with its line", async (_, value, message) => {
  await expect(lines(`\n${JSON.stringify(value)}`, "c.jsonl")).rejects.toThrow(`c.jsonl, line 2: ${message}`);
});

test("labels that are none are refused with their line", async () => {
  const rows = async (label: (i: number) => string | number) =>
    lines(
      table("text,label", (i) => `text ${i},${label(i)}`, 120),
      "l.csv",
    );
  const task = async (label: (i: number) => string | number) => taskFromRows(await rows(label), "l.csv");
  await expect(task(() => -1)).rejects.toThrow("l.csv: expected labels, got -1 on every row");
  expect((await task((i) => (i % 3) - 1)).definition.labels).toEqual(["-1", "0", "1"]);
  await expect(task((i) => (i === 9 ? "postive" : ["positive", "negative"][i % 2]!))).rejects.toThrow(
    'l.csv, line 11: expected each label on two rows or more, got "postive" on this one only',
  );
  await expect(task((i) => i)).rejects.toThrow("l.csv: expected at most 100 different labels, got 120");
  await expect(task((i) => (i === 4 ? "" : i % 2))).rejects.toThrow(
    "l.csv, line 6: expected a label on every row or on none, got 119 of 120",
  );
});

test("votes beside a label, and pairs that annotators did not agree on, change no labels", async () => {
  const voted = lines(
    table("text,label,score", (i) => `text ${i},${i % 2 ? "pos" : "neg"},${i * 10}`, 60),
    "v.csv",
  );
  expect(taskFromRows(await voted, "v.csv").definition).toMatchObject({
    ...{ kind: "classification", labels: ["neg", "pos"] },
  });
  const snli = lines(
    table(
      "premise,hypothesis,gold_label",
      (i) => `a ${i},b ${i},${["entailment", "neutral", "-"][i % 3]}`,
      60,
    ),
    "s.csv",
  );
  expect(await snli).toHaveLength(40);
  expect(taskFromRows(await snli, "s.csv").definition.labels).toEqual(["entailment", "neutral"]);
});

test("a conversation is cleaned whole, keeps its passage, and is on one side of the split", async () => {
  const [cleaned] = await lines(JSON.stringify(messages("a <|endoftext|> “b”", "x “y”")), "c.jsonl");
  expect(cleaned).toMatchObject({ context: [{ role: "user", content: 'a "b"' }], text: 'x "y"' });
  const dolly = { instruction: "When?", context: "It was 1920.", response: "1920" };
  const [asked] = await lines(JSON.stringify(dolly), "d.jsonl");
  expect(asked?.context).toEqual([{ role: "user", content: "When?\n\nIt was 1920." }]);
  const many = Array.from({ length: 100 }, (_, i) =>
    JSON.stringify(messages(`question ${i}`, `first ${i}`, `and ${i}?`, `second ${i}`)),
  ).join("\n");
  const { groups } = taskFromRows(await lines(many, "m.jsonl"), "m.jsonl");
  const { train, heldOut } = groups[0]!;
  expect(train.length + heldOut.length).toBe(200);
  const number = ({ text }: { text: string }) => text.split(" ")[1];
  const trained = new Set(train.map(number));
  expect(heldOut.filter((sample) => trained.has(number(sample)))).toEqual([]);
  expect(heldOut.length).toBeGreaterThan(10);
});
