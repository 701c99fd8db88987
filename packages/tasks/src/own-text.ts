/**
 * A person's own file as a task. `ownTextGroup` runs where the file is, in the participant's tab, and its result
 * stays there; `taskFromRows` makes a whole federation of a file that the host has.
 */

import type { Sample } from "@fedlodrop/run";
import { contentOf, isHeldOut } from "./held-out.ts";
import { isRegression, labelledSamples, labelsOf } from "./labelled-rows.ts";
import { cutIntoStretches, passageEnd } from "./passages.ts";
import { chat, classification, languageModel } from "./recommended.ts";
import type { TaskDefinition, TextGroup } from "./task.ts";
import { TextFaultError } from "./text-fault.ts";
import type { TextRow } from "./text-rows.ts";

/** Below this there is not even a batch of training windows and one to measure. */
const MINIMUM_CHARACTERS = 2_000;
/** One sample in so many is held out. */
const HELD_OUT_EVERY = 5;

/** The last tenth of a file's text is held out. Throws, in one line that a person can act on, when the file won't do. */
export const ownTextGroup = (rows: readonly TextRow[], fileName: string): TextGroup =>
  languageModelGroup(fileName, rows, fileName);

/** A task that a file defines by its columns. */
export interface FileTask {
  readonly definition: TaskDefinition;
  readonly groups: readonly TextGroup[];
}

/**
 * Groups by device; without that column all is one group, which the split halves. Rows with labels make a classification,
 * with numbers a regression, conversations a chat: one in five is held out by its content. Else a language model with
 * the last tenth of each device's text held out.
 * @throws when only some rows have what makes the task, or all labels are the same, or a device has hardly any text
 */
export function taskFromRows(rows: readonly TextRow[], fileName: string): FileTask {
  const { definition, samplesOf } = judged(rows, fileName) ?? languageModelOf(fileName);
  const byDevice = new Map<string, TextRow[]>();
  for (const row of rows) {
    const name = row.device ?? fileName;
    const own = byDevice.get(name);
    if (own) own.push(row);
    else byDevice.set(name, [row]);
  }
  const groups = [...byDevice].map(([name, own]): TextGroup => {
    if (samplesOf === null) return languageModelGroup(name, own, fileName);
    const samples = samplesOf(own);
    const isOut = (sample: Sample): boolean => isHeldOut(decidedBy(sample), HELD_OUT_EVERY);
    return { name, train: samples.filter((sample) => !isOut(sample)), heldOut: samples.filter(isOut) };
  });
  if (samplesOf !== null && groups.every(({ heldOut }) => heldOut.length === 0))
    throw new Error(`${fileName}: expected enough rows to hold one in five out, got ${rows.length}`);
  return { definition, groups };
}

/** All answers of a conversation are on one side: each has those before it in its context. */
function decidedBy(sample: Sample): string {
  const { context } = sample;
  if (context === undefined) return contentOf(sample);
  const asked = context.findIndex(({ role }) => role === "user");
  return context
    .slice(0, asked + 1)
    .map(({ content }) => content)
    .join("\n");
}

interface Kind {
  readonly definition: TaskDefinition;
  /** Null where texts are cut as a language model's. */
  readonly samplesOf: ((rows: readonly TextRow[]) => readonly Sample[]) | null;
}

const common = (fileName: string) => ({
  name: fileName,
  title: fileName,
  story: "Each device keeps its rows of this file; together they train one model on all of them.",
  textsFrom: "coordinator" as const,
  // Rows are somebody's own; none is shown to others as an opening.
  prompts: [],
});

const languageModelOf = (fileName: string): Kind => ({
  definition: {
    ...{ ...common(fileName), kind: "language-model", labels: [], metric: "perplexity" },
    ...{ recommended: languageModel, prompts: ["I", "The", "Today"] },
  },
  samplesOf: null,
});

/** What rows with labels or answers make; null of plain texts. */
function judged(rows: readonly TextRow[], fileName: string): Kind | null {
  const base = common(fileName);
  if (rows.some(({ context }) => context !== undefined)) {
    expectAll(rows, ({ context }) => context !== undefined, "a conversation", fileName);
    return {
      definition: { ...base, kind: "chat", labels: [], metric: "perplexity", recommended: chat },
      samplesOf: conversationSamples,
    };
  }
  const labelled = rows.some(({ label }) => label !== undefined);
  if (rows.some(({ pair }) => pair !== undefined)) {
    expectAll(rows, ({ pair }) => pair !== undefined, "a second text", fileName);
    if (!labelled) throw new Error(`${fileName}: expected labels of its pairs of texts, got none`);
  }
  if (!labelled) return null;
  expectAll(rows, ({ label }) => label !== undefined, "a label", fileName);
  const pairs = rows[0]?.pair !== undefined;
  const [kind, labels] = isRegression(rows)
    ? (["regression", []] as const)
    : (["classification", labelsOf(rows, fileName)] as const);
  const samplesOf = (own: readonly TextRow[]) => labelledSamples(own, { kind, labels }, fileName);
  return kind === "regression"
    ? {
        definition: { ...base, kind, labels, pairs, metric: "pearson", recommended: classification },
        samplesOf,
      }
    : {
        definition: { ...base, kind, labels, pairs, metric: "accuracy", recommended: classification },
        samplesOf,
      };
}

export const conversationSamples = (rows: readonly TextRow[]): readonly Sample[] =>
  rows.map(({ text, context = [] }) => ({ text, context }));

function expectAll(
  rows: readonly TextRow[],
  has: (row: TextRow) => boolean,
  what: string,
  fileName: string,
): void {
  const without = rows.filter((row) => !has(row));
  if (without.length > 0)
    throw new Error(
      `${fileName}, line ${without[0]?.line}: expected ${what} on every row or on none, got ${rows.length - without.length} of ${rows.length}`,
    );
}

function languageModelGroup(name: string, rows: readonly TextRow[], fileName: string): TextGroup {
  const characters = rows.reduce((sum, row) => sum + row.text.length, 0);
  if (characters < MINIMUM_CHARACTERS) {
    const whose = name === fileName ? "" : ` for device "${name}"`;
    throw new TextFaultError(
      { kind: "too-short", least: MINIMUM_CHARACTERS, got: characters },
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
