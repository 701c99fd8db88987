import { readFile, writeFile } from "node:fs/promises";
import { runConfigSchema } from "@fedlodrop/run";
import { expect, it } from "vitest";
import { inPlainWords } from "./plain-error.ts";

const wordsOf = (work: () => unknown): Promise<string> =>
  Promise.resolve()
    .then(work)
    .then(() => "nothing was thrown", inPlainWords);

it("names the file of a system call that failed", async () => {
  expect(await wordsOf(() => readFile("/nowhere/at all.json"))).toBe(
    "/nowhere/at all.json: there is no such file or folder",
  );
  expect(await wordsOf(() => writeFile("/", ""))).toBe("/: it is a folder, not a file");
  expect(await wordsOf(() => readFile("/etc/passwd/x"))).toBe(
    "/etc/passwd/x: a part of this path is a file, not a folder",
  );
});

it("names the field that does not fit a schema", async () => {
  expect(await wordsOf(() => runConfigSchema.parse([]))).toBe("value: expected an object");
});

it("keeps the first line of our own errors and of whatever else is thrown", async () => {
  expect(await wordsOf(() => Promise.reject(new Error("model: one line\nand a page")))).toBe(
    "model: one line",
  );
  expect(await wordsOf(() => Promise.reject("a text"))).toBe("a text");
});
