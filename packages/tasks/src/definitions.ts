/** The tasks that come with the project. Their texts come from `@fedlodrop/tasks/node`, except for `own-text`. */
import type { RecommendedSettings, TaskDefinition } from "./task.ts";

/** Little data, many steps: FedLoRA overfits within the rounds given, and dropout helps (docs/tasks.md has the numbers). */
const languageModel: RecommendedSettings = {
  sequenceLength: 64,
  batchSize: 4,
  localSteps: 8,
  learningRate: 8e-3,
  rounds: 20,
  rank: 8,
  samplesPerDevice: 40,
  dropoutRate: 0.5,
  split: { kind: "natural" },
};

const classification: RecommendedSettings = {
  ...languageModel,
  batchSize: 16,
  localSteps: 4,
  learningRate: 2e-3,
  rounds: 15,
  samplesPerDevice: 64,
  dropoutRate: 0.7,
};

export const TASK_DEFINITIONS: readonly TaskDefinition[] = [
  {
    name: "presidents",
    title: "Speeches of presidents",
    story:
      "Each device keeps one president's State of the Union speeches; together they teach one model to speak.",
    kind: "language-model",
    labels: [],
    metric: "perplexity",
    recommended: languageModel,
    prompts: ["My fellow Americans,", "The state of our Union is", "To the Congress I say:", "Our schools"],
  },
  {
    name: "spam",
    title: "Spam filter over private mailboxes",
    story:
      "Each device keeps one mailbox that nobody else may read; together they learn to tell spam from mail.",
    kind: "classification",
    labels: ["mail", "spam"],
    metric: "accuracy",
    recommended: classification,
    prompts: [
      "Re: kernel upgrade\nI tried the new package and sound works again, thanks.",
      "You have been approved!!!\nLowest rates ever, click here now, no obligation.",
    ],
  },
  {
    name: "mailbox",
    title: "The tone of a mailing list",
    story: "Each device keeps the mail of one mailing list; together they learn how these people write.",
    kind: "language-model",
    labels: [],
    metric: "perplexity",
    recommended: languageModel,
    prompts: ["I have a problem with", "Re: installing", "Has anyone tried"],
  },
  {
    name: "genres",
    title: "Which kind of text is it?",
    story:
      "Each device reads its own kinds of text; together they learn to tell news from novels and science.",
    kind: "classification",
    labels: ["press", "learned", "fiction", "general"],
    metric: "accuracy",
    recommended: { ...classification, split: { kind: "dirichlet", alpha: 0.5 } },
    prompts: [
      "The committee said Tuesday that the bill will come to a vote next week.",
      "She looked at him across the table and said nothing for a long while.",
    ],
  },
  {
    name: "genres-lm",
    title: "Writing in every genre",
    story:
      "Each device reads one genre, from news to romance; together they teach one model to write them all.",
    kind: "language-model",
    labels: [],
    metric: "perplexity",
    recommended: languageModel,
    prompts: ["The mayor said", "She opened the door and", "The results of the experiment"],
  },
  {
    name: "own-text",
    title: "Your own text",
    story:
      "Each participant opens a file of their own; it never leaves the tab, only the adapter's numbers do.",
    kind: "language-model",
    labels: [],
    metric: "perplexity",
    recommended: languageModel,
    prompts: ["I", "The", "Today"],
  },
];

/** Throws when there is no task of that name. */
export function taskDefinition(name: string): TaskDefinition {
  const definition = TASK_DEFINITIONS.find((task) => task.name === name);
  if (!definition) {
    const names = TASK_DEFINITIONS.map((task) => task.name).join(", ");
    throw new Error(`task: expected one of ${names}, or a .txt, .jsonl, .csv or .tsv file, got "${name}"`);
  }
  return definition;
}
