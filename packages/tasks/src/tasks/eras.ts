/** When a passage of a speech was said: a labelled task that comes with the project, and that people can try themselves. */
import { cleanSpeech } from "../clean-text.ts";
import { cutIntoPassages } from "../passages.ts";
import { classification } from "../recommended.ts";
import type { Task, TaskDefinition, TextGroup } from "../task.ts";
import { FIRST_YEAR, type Speech, trainedAndHeldOut } from "./presidents.ts";

/**
 * Labels, in order, with their first and last years. What lies between is left out: a small model tells these two apart, and not
 * four spans that follow one another (docs/tasks.md has the numbers).
 */
const ERAS = [
  { label: "1945 to 1963", from: FIRST_YEAR, to: 1963 },
  { label: "2001 to 2021", from: 2001, to: 2021 },
] as const;

const definition: TaskDefinition = {
  name: "eras",
  title: "When was it said?",
  story:
    "Each device keeps passages of presidents' speeches; together they learn to tell in which years one was said.",
  textsFrom: "coordinator",
  kind: "classification",
  labels: ERAS.map(({ label }) => label),
  metric: "accuracy",
  recommended: {
    ...classification,
    localSteps: 8,
    learningRate: 4e-3,
    samplesPerDevice: 300,
    dropoutRate: 0.5,
    split: { kind: "iid" },
    devices: 14,
  },
  prompts: [
    "The free world must stay strong against the threat of Communist aggression.",
    "Every child should have the chance to go to college.",
    "The farm program must be continued, and the harvests must be stored.",
    "Our troops in Iraq and Afghanistan have taken the fight to the terrorists.",
  ],
};

/** Characters of a passage: somewhat more than one cut of 64 tokens. */
const PASSAGE_CHARACTERS = 320;
/** What remains at the end of a speech may be too short to tell anything. */
const MINIMUM_CHARACTERS = 100;

/** One group per era; of each president's speeches in it the last ones are held out whole. */
function eraGroups(speeches: readonly Speech[]): TextGroup[] {
  return ERAS.map(({ label, from, to }, index) => {
    const within = speeches.filter(({ year }) => year >= from && year <= to);
    const passages = ({ text }: Speech) =>
      cutIntoPassages(cleanSpeech(text), PASSAGE_CHARACTERS)
        .filter((passage) => passage.length >= MINIMUM_CHARACTERS)
        .map((passage) => ({ text: passage, label: index }));
    const byOwner = trainedAndHeldOut(within);
    return {
      name: label,
      train: byOwner.flatMap(({ trained }) => trained.flatMap(passages)),
      heldOut: byOwner.flatMap(({ heldOut }) => heldOut.flatMap(passages)),
    };
  });
}

export const eras: Task = { definition, corpus: "speeches", groups: eraGroups };
