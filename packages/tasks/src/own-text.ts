/**
 * A person's own file as a task. `ownTextGroup` runs where the file is, in the participant's tab, and its result
 * stays there; `taskFromRows` makes a whole federation of a file that the host has.
 */

import type { Sample } from "@fedlodrop/run";
import { isHeldOut } from "./held-out.ts";
import { cutIntoStretches, passageEnd } from "./passages.ts";
import { classification, languageModel } from "./recommended.ts";
import type { TaskDefinition, TextGroup } from "./task.ts";
import { labelKey, sameLabel, type TextRow } from "./text-rows.ts";

/** Below this there is not even a batch of training windows and one to measure. */
const MINIMUM_CHARACTERS = 2_000;

/** The last tenth of a file's text is held out. Throws, in one line that a person can act on, when the file won't do. */
export const ownTextGroup = (rows: readonly TextRow[], fileName: string): TextGroup =>
  languageModelGroup(fileName, rows, fileName);

/** A task that a file defines by its columns. */
export interface FileTask {
  readonly definition: TaskDefinition;
  readonly groups: readonly TextGroup[];
}

/**
 * Groups by device; without that column all is one group, which the split halves. With labels the task is
 * classification and one row in five is held out by its content; else a language model with the last tenth of each
 * device's text held out. Throws when only some rows have a label, or all the same, or a device has hardly any text.
 */
export function taskFromRows(rows: readonly TextRow[], fileName: string): FileTask {
  const byDevice = new Map<string, TextRow[]>();
  for (const row of rows) {
    const name = row.device ?? fileName;
    const own = byDevice.get(name);
    if (own) own.push(row);
    else byDevice.set(name, [row]);
  }
  const spellings = new Map<string, string>();
  for (const { label } of rows)
    if (label !== undefined && !spellings.has(labelKey(label))) spellings.set(labelKey(label), label);
  const labels = [...spellings.values()].sort();
  const base: TaskDefinition = {
    name: fileName,
    title: fileName,
    story: "Each device keeps its rows of this file; together they train one model on all of them.",
    textsFrom: "coordinator",
    labels,
    ...(labels.length > 0
      ? {
          kind: "classification",
          metric: "accuracy",
          recommended: classification,
          // Rows are somebody's own; none is shown to others as an opening.
          prompts: [],
        }
      : {
          kind: "language-model",
          metric: "perplexity",
          recommended: languageModel,
          prompts: ["I", "The", "Today"],
        }),
  };
  if (labels.length === 0) {
    const groups = [...byDevice].map(([name, own]) => languageModelGroup(name, own, fileName));
    return { definition: base, groups };
  }

  const unlabelled = rows.filter((row) => row.label === undefined);
  if (unlabelled.length > 0) {
    const labelled = rows.length - unlabelled.length;
    throw new Error(
      `${fileName}, line ${unlabelled[0]?.line}: expected a label on every row or on none, got ${labelled} of ${rows.length}`,
    );
  }
  if (labels.length === 1)
    throw new Error(`${fileName}: expected two labels or more, got only "${labels[0]}"`);
  const groups = [...byDevice].map(([name, own]) => {
    const samples = own.map(
      ({ text, label = "" }): Sample => ({
        text,
        label: labels.findIndex((name) => sameLabel(name, label)),
      }),
    );
    return {
      name,
      train: samples.filter(({ text }) => !isHeldOut(text, 5)),
      heldOut: samples.filter(({ text }) => isHeldOut(text, 5)),
    };
  });
  if (groups.every(({ heldOut }) => heldOut.length === 0))
    throw new Error(`${fileName}: expected enough rows to hold one in five out, got ${rows.length}`);
  return { definition: base, groups };
}

function languageModelGroup(name: string, rows: readonly TextRow[], fileName: string): TextGroup {
  const characters = rows.reduce((sum, row) => sum + row.text.length, 0);
  if (characters < MINIMUM_CHARACTERS) {
    const whose = name === fileName ? "" : ` for device "${name}"`;
    throw new Error(
      `${fileName}: expected at least ${MINIMUM_CHARACTERS} characters${whose}, got ${characters}`,
    );
  }
  let rest = Math.floor(0.9 * characters);
  const train: Sample[] = [];
  const heldOut: Sample[] = [];
  for (const { text } of rows) {
    const cut = passageEnd(text, 0, Math.max(0, rest));
    train.push(...cutIntoStretches(text.slice(0, cut)));
    heldOut.push(...cutIntoStretches(text.slice(cut)));
    rest -= text.length;
  }
  return { name, train, heldOut };
}
