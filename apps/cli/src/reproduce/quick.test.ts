import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readCells } from "./cells.ts";
import { QUICK_STUDY } from "./study.ts";

const COMMAND = fileURLToPath(new URL("../../bin/fedlodrop.mjs", import.meta.url));
/** What the command's help promises, of both starts together. */
const LIMIT_MS = 240_000;

let out: string;
beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), "quick-"));
});
afterAll(() => rm(out, { recursive: true }));
const textOf = (file: string): Promise<string> => readFile(join(out, file), "utf8");

function start() {
  const child = spawn(process.execPath, [COMMAND, "reproduce", "--quick", "--out", out], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].on("data", (text: Buffer) => {
      said[name] += text;
    });
  return { child, said, ended: once(child, "close") };
}

it("makes every figure, and goes on where it was stopped", { timeout: LIMIT_MS }, async () => {
  const stopped = start();
  await expect.poll(() => stopped.said.stderr, { timeout: LIMIT_MS }).toMatch(/^1\/\d+ .*min left\)$/m);
  stopped.child.kill("SIGKILL");
  await stopped.ended;
  // On many cores others may have ended by then: it is stopped at its first cell wherever it is played.
  const [first] = await readCells(join(out, "cells-quick.csv"));
  const rows = (await textOf("cells-quick.csv")).split("\n").slice(0, 1 + first!.points.length);
  const kept = `${rows.join("\n")}\n`;
  await writeFile(join(out, "cells-quick.csv"), kept);

  const { said, ended } = start();
  expect(await ended, said.stderr).toEqual([0, null]);
  expect(said.stdout).toBe(`${join(out, "report.html")}\n`);
  expect(said.stderr).toMatch(new RegExp(`^1/${QUICK_STUDY.arms.length - 1} `));
  expect((await textOf("cells-quick.csv")).startsWith(kept)).toBe(true);
  expect(await readCells(join(out, "cells-quick.csv"))).toHaveLength(QUICK_STUDY.arms.length);

  const report = await textOf("report.html");
  expect(report).toContain("A quick study");
  expect(report).toContain("<svg");
  // Everything is in the one file.
  expect(report).not.toMatch(/\b(src|href)=/);
  for (const figure of [1, 2, 3, 4, 5, 6, 7]) {
    expect(report).toContain(`<h2>Figure ${figure}. `);
    expect(report).toContain(`<td>npx fedlodrop reproduce ${figure} --quick`);
    const [columns = "", ...rows] = (await textOf(`figure-${figure}.csv`)).trimEnd().split("\n");
    expect(rows.length, `figure ${figure}`).toBeGreaterThan(0);
    for (const row of rows) expect(row.split(","), row).toHaveLength(columns.split(",").length);
  }
});
