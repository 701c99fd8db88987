/**
 * Goes through adapter.ipynb as a person would: with a Python that has peft every code cell is executed in turn; with
 * another the cells are compiled; without any it is read. PYTHON names another Python than python3.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

interface Cell {
  readonly cell_type: string;
  readonly source: readonly string[];
}

const { cells } = JSON.parse(readFileSync("adapter.ipynb", "utf8")) as { readonly cells: readonly Cell[] };
const code = cells.filter(({ cell_type }) => cell_type === "code").map(({ source }) => source.join(""));
if (code.length === 0) throw new Error("adapter.ipynb: expected cells of code, got none");

const python = process.env.PYTHON ?? "python3";
const runs = (program: string): boolean => spawnSync(python, ["-c", program]).status === 0;
if (runs("import peft, torch, transformers")) {
  execute(code.join("\n"));
  console.log(`adapter.ipynb: ${code.length} cells executed`);
} else if (runs("")) {
  for (const cell of code) execute(`compile(${JSON.stringify(cell)}, "adapter.ipynb", "exec")`);
  console.log(`adapter.ipynb: ${code.length} cells compiled; ${python} has no peft to execute them with`);
} else console.log(`adapter.ipynb: ${code.length} cells read; there is no ${python}`);

function execute(program: string): void {
  const { status } = spawnSync(python, ["-"], { input: program, stdio: ["pipe", "inherit", "inherit"] });
  if (status !== 0) throw new Error(`adapter.ipynb: expected its code to run, got code ${status}`);
}
