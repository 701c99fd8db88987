import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { type FileTask, taskFromRows } from "../own-text.ts";
import { readRows } from "../read-rows.ts";

/** Whether a `--task` names a file rather than a task that comes with the project. */
export function isTaskFile(name: string): boolean {
  return /\.(?:txt|jsonl|csv|tsv|parquet)$/i.test(name);
}

/** A local file of texts, pairs, labels or conversations as a task. Throws in one line when it can't be read or used. */
export async function loadTaskFile(path: string): Promise<FileTask> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    const reason = cause.code === "ENOENT" ? "there is no such file" : `it cannot be read (${cause.code})`;
    throw new Error(`task file ${path}: ${reason}`, { cause });
  });
  const fileName = basename(path);
  return taskFromRows(await readRows(bytes, fileName), fileName);
}
