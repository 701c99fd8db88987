/** Mail or spam, a mailbox a device. */
import { spamGroups } from "../mailboxes.ts";
import { classification } from "../recommended.ts";
import type { Task, TaskDefinition } from "../task.ts";

const definition: TaskDefinition = {
  name: "spam",
  title: "Spam filter over private mailboxes",
  story:
    "Each device keeps one mailbox that nobody else may read; together they learn to tell spam from mail.",
  textsFrom: "coordinator",
  kind: "classification",
  labels: ["mail", "spam"],
  metric: "accuracy",
  recommended: classification,
  prompts: [
    "Re: kernel upgrade\nI tried the new package and sound works again, thanks.",
    "You have been approved!!!\nLowest rates ever, click here now, no obligation.",
  ],
};

export const spam: Task = { definition, corpus: "mails", groups: spamGroups };
