/** Writing in the genres of the Brown corpus, one a device. */
import { genreGroups } from "../genres.ts";
import { languageModel } from "../recommended.ts";
import type { Task, TaskDefinition } from "../task.ts";

const definition: TaskDefinition = {
  name: "genres-lm",
  title: "Writing in every genre",
  story:
    "Each device reads one genre, from news to romance; together they teach one model to write them all.",
  textsFrom: "coordinator",
  kind: "language-model",
  labels: [],
  metric: "perplexity",
  recommended: languageModel,
  prompts: ["The mayor said", "She opened the door and", "The results of the experiment"],
};

export const genresLm: Task = { definition, corpus: "brown", groups: genreGroups };
