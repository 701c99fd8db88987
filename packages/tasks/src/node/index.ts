export { defaultCacheDirectory } from "./cache.ts";
export { type PrepareTaskOptions, prepareTask } from "./prepare-task.ts";
export { isTaskFile, loadTaskFile } from "./task-file.ts";
export type { TaskProgress } from "./texts.ts";
