/** A task's title and story in the reader's language where it comes with the project, else as the host has written them. */
import { say, sayKnown } from "../words/words.ts";

/** Of which a task is made that has no story of its own. */
const ROWS_OF_A_FILE = /\.(txt|jsonl|csv|tsv|parquet)$/i;

export const taskTitle = (name: string, sent: string): string => sayKnown(`task.${name}.title`, sent);
export const taskStory = (name: string, sent: string): string =>
  ROWS_OF_A_FILE.test(name) ? say("task.rows.story") : sayKnown(`task.${name}.story`, sent);
/** What a class is called, likewise. */
export const labelName = (sent: string): string => sayKnown(`label.${sent}`, sent);
