import { readFile, stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { type FileTask, taskFromRows } from "../own-text.ts";
import { readRows } from "../read-rows.ts";

/** Whether a `--task` names a file rather than a task that comes with the project. */
export function isTaskFile(name: string): boolean {
  return /\.(?:txt|jsonl|csv|tsv|parquet)$/i.test(name);
}

/** The last one read: a run asks for its settings first, then for its texts. */
let last: { readonly key: string; readonly task: Promise<FileTask> } | null = null;

/** A local file of texts, pairs, labels or conversations as a task, read again when it has changed. Throws in one line when it
 *  can't be read or used. */
export async function loadTaskFile(path: string): Promise<FileTask> {
  const key = await stat(path).then(
    ({ size, mtimeMs, ino }) => `${resolve(path)} ${size} ${mtimeMs} ${ino}`,
    () => null,
  );
  if (key !== null && last?.key === key) return last.task;
  const task = readTaskFile(path);
  last = key === null ? null : { key, task };
  // What kept it from being read may be over by the next time.
  task.catch(() => {
    if (last?.task === task) last = null;
  });
  return task;
}

async function readTaskFile(path: string): Promise<FileTask> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    const reason = cause.code === "ENOENT" ? "there is no such file" : `it cannot be read (${cause.code})`;
    throw new Error(`task file ${path}: ${reason}`, { cause });
  });
  const fileName = basename(path);
  return taskFromRows(await readRows(bytes, fileName), fileName);
}
