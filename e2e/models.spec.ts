/** Models of other families than the bundled one, through the command that users have, in real tabs. */
import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { RunReport } from "@fedlodrop/run";
import { expect, fedlodrop, test } from "./fixtures.ts";

const MODELS = resolve(fileURLToPath(import.meta.url), "../../packages/lm/fixtures/models");

for (const [model, label] of [
  ["llama", false],
  ["bert", true],
] as const)
  test(`a tab trains ${model} on WebAssembly`, async ({ folder }) => {
    const rows = Array.from({ length: 90 }, (_, i) => {
      const text = `the cat sat on mat ${i} and looked at the dog`;
      return label ? `${text},${i % 2 === 0 ? "even" : "odd"}` : text;
    });
    await writeFile(join(folder, "texts.csv"), [label ? "text,label" : "text", ...rows].join("\n"));
    const { code, stderr } = await fedlodrop([
      ...["federate", "--tabs", "1", "--rounds", "1", "--backend", "wasm", "--model", join(MODELS, model)],
      ...["--sequence-length", "32", "--local-steps", "2", "--evaluation-samples", "8"],
      ...["--task", join(folder, "texts.csv"), "--out", join(folder, "run")],
    ]);
    expect(stderr).toContain("report ");
    expect(code).toBe(0);
    const report = JSON.parse(await readFile(join(folder, "run/report.json"), "utf8")) as RunReport;
    expect(report.rounds[0]?.participants.map(({ outcome }) => outcome)).toEqual(["aggregated"]);
    expect(report.finalTestLoss).not.toBe(report.baseTestLoss);
  });
