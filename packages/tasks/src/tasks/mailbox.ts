/** How people on mailing lists write, a list a device. */
import { mailingListGroups } from "../mailboxes.ts";
import { languageModel } from "../recommended.ts";
import type { Task, TaskDefinition } from "../task.ts";

const definition: TaskDefinition = {
  name: "mailbox",
  title: "The tone of a mailing list",
  story: "Each device keeps the mail of one mailing list; together they learn how these people write.",
  textsFrom: "coordinator",
  kind: "language-model",
  labels: [],
  metric: "perplexity",
  recommended: languageModel,
  prompts: ["I have a problem with", "Re: installing", "Has anyone tried"],
};

export const mailbox: Task = { definition, corpus: "mails", groups: mailingListGroups };
