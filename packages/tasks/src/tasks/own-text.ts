/** Texts that participants bring themselves. */
import { languageModel } from "../recommended.ts";
import type { Task, TaskDefinition } from "../task.ts";

const definition: TaskDefinition = {
  name: "own-text",
  title: "Your own text",
  story:
    "Each participant opens a file of their own; it never leaves the tab, only the adapter's numbers do.",
  textsFrom: "participants",
  kind: "language-model",
  labels: [],
  metric: "perplexity",
  recommended: languageModel,
  prompts: ["I", "The", "Today"],
};

export const ownText: Task = { definition, corpus: null };
