/** Which of four kinds a passage of the Brown corpus is. */
import { genreKindGroups } from "../genres.ts";
import { classification } from "../recommended.ts";
import type { Task, TaskDefinition } from "../task.ts";

const definition: TaskDefinition = {
  name: "genres",
  title: "Which kind of text is it?",
  story: "Each device reads its own kinds of text; together they learn to tell news from novels and science.",
  textsFrom: "coordinator",
  kind: "classification",
  labels: ["press", "learned", "fiction", "general"],
  metric: "accuracy",
  recommended: { ...classification, split: { kind: "dirichlet", alpha: 0.5 } },
  prompts: [
    "The committee said Tuesday that the bill will come to a vote next week.",
    "She looked at him across the table and said nothing for a long while.",
  ],
};

export const genres: Task = { definition, corpus: "brown", groups: genreKindGroups };
