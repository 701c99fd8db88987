/** A task's title and story in the reader's language where it comes with the project, else as the host has written them. */
import { sayKnown } from "../words/words.ts";

export const taskTitle = (name: string, sent: string): string => sayKnown(`task.${name}.title`, sent);
export const taskStory = (name: string, sent: string): string => sayKnown(`task.${name}.story`, sent);
