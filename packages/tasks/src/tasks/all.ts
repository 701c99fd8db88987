/** The tasks that come with the project, in the order they are shown. A new one is a file and a line here. */
import type { Task, TaskDefinition } from "../task.ts";
import { eras } from "./eras.ts";
import { genres } from "./genres.ts";
import { genresLm } from "./genres-lm.ts";
import { mailbox } from "./mailbox.ts";
import { ownText } from "./own-text.ts";
import { presidents } from "./presidents.ts";
import { spam } from "./spam.ts";

const TASKS: readonly Task[] = [presidents, eras, spam, mailbox, genres, genresLm, ownText];

export const TASK_DEFINITIONS: readonly TaskDefinition[] = TASKS.map(({ definition }) => definition);

/** Throws when there is no task of that name. */
export function taskNamed(name: string): Task {
  const task = TASKS.find(({ definition }) => definition.name === name);
  if (task) return task;
  const names = TASK_DEFINITIONS.map((definition) => definition.name).join(", ");
  throw new Error(
    `task: expected one of ${names}, or a .txt, .jsonl, .csv, .tsv or .parquet file, got "${name}"`,
  );
}

export const taskDefinition = (name: string): TaskDefinition => taskNamed(name).definition;
