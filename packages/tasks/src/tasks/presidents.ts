/** State of the Union speeches since 1945, a president a device. */
import { cleanSpeech } from "../clean-text.ts";
import { cutIntoStretches } from "../passages.ts";
import { languageModel } from "../recommended.ts";
import type { Task, TaskDefinition, TextGroup } from "../task.ts";

const definition: TaskDefinition = {
  name: "presidents",
  title: "Speeches of presidents",
  story:
    "Each device keeps one president's State of the Union speeches; together they teach one model to speak.",
  textsFrom: "coordinator",
  kind: "language-model",
  labels: [],
  metric: "perplexity",
  recommended: languageModel,
  prompts: ["My fellow Americans,", "The state of our Union is", "To the Congress I say:", "Our schools"],
};

export interface Speech {
  readonly year: number;
  readonly name: string;
  readonly text: string;
}

/** Earlier speeches are in the base model's pre-training text. */
export const FIRST_YEAR = 1945;

/** Of each president, by year: the last two speeches are held out, the only one of some is not. */
export function trainedAndHeldOut(speeches: readonly Speech[]): {
  readonly name: string;
  readonly trained: readonly Speech[];
  readonly heldOut: readonly Speech[];
}[] {
  const byYear = speeches.filter(({ year }) => year >= FIRST_YEAR).sort((a, b) => a.year - b.year);
  return [...new Set(byYear.map(({ name }) => name))].map((name) => {
    const own = byYear.filter((speech) => speech.name === name);
    const count = Math.max(1, own.length - 2);
    return { name, trained: own.slice(0, count), heldOut: own.slice(count) };
  });
}

/**
 * One group per president. The latest are dealt first: the model, whose texts end before them, has most to learn from
 * theirs, so that two or three devices already show it. Whoever has nothing held out comes last: on what would it be measured?
 */
function presidentGroups(speeches: readonly Speech[]): TextGroup[] {
  const stretches = ({ text }: Speech) => cutIntoStretches(cleanSpeech(text));
  return trainedAndHeldOut(speeches).map(({ name, trained, heldOut }) => ({
    name,
    train: trained.flatMap(stretches),
    heldOut: heldOut.flatMap(stretches),
    turn: -(heldOut.at(-1)?.year ?? 0),
  }));
}

export const presidents: Task = { definition, corpus: "speeches", groups: presidentGroups };
