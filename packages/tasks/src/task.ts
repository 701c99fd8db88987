/** What a task is: texts on devices, a held-out set, a metric and a story. Pure data; no tensors, no files. */
import type { Sample, TaskKind, TaskMetric } from "@fedlodrop/run";
import type { BrownFile } from "./genres.ts";
import type { Mail } from "./mailboxes.ts";
import type { Speech } from "./tasks/presidents.ts";

/** Settings that make the task worth watching; the host may change them. */
export interface RecommendedSettings {
  /** Tokens of one training window (language model) or the cut of one sample (classification). */
  readonly sequenceLength: number;
  readonly batchSize: number;
  readonly localSteps: number;
  readonly learningRate: number;
  readonly rounds: number;
  readonly rank: number;
  /** Training samples, or windows of a language model, that each device holds. */
  readonly samplesPerDevice: number;
  readonly dropoutRate: number;
  /** Up to so many devices hold so little text that more has to be dropped; null where that is not so, or not measured. */
  readonly few: { readonly devices: number; readonly dropoutRate: number } | null;
  /** From so many on they hold so much that less is dropped; null as above. */
  readonly many: { readonly devices: number; readonly dropoutRate: number } | null;
  readonly split: SplitRule;
  /** Parts to deal the texts into where the number of devices is not known: as many as have enough text each. */
  readonly devices: number;
}

export interface TaskDefinition {
  readonly name: string;
  readonly title: string;
  /** One line for a classroom. */
  readonly story: string;
  /** `participants` bring their own: there is nothing to deal and nothing to hold out. */
  readonly textsFrom: "coordinator" | "participants";
  readonly kind: TaskKind;
  /** Class names, in label order; empty of all but classification. */
  readonly labels: readonly string[];
  /** Whether each sample is two texts that are judged together. */
  readonly pairs?: boolean;
  readonly metric: TaskMetric;
  readonly recommended: RecommendedSettings;
  /** Openings for the try-it box. */
  readonly prompts: readonly string[];
}

/** What the texts of tasks are made from. */
interface Corpora {
  readonly speeches: readonly Speech[];
  readonly mails: readonly Mail[];
  readonly brown: readonly BrownFile[];
}

/** A task: what it is, and how its corpus becomes groups of texts; without a corpus participants bring theirs. */
export type Task =
  | { readonly definition: TaskDefinition; readonly corpus: null }
  | {
      [Name in keyof Corpora]: {
        readonly definition: TaskDefinition;
        readonly corpus: Name;
        readonly groups: (texts: Corpora[Name]) => TextGroup[];
      };
    }[keyof Corpora];

/** How training texts are dealt to devices. */
export type SplitRule =
  | { readonly kind: "natural" }
  | { readonly kind: "iid" }
  | { readonly kind: "dirichlet"; readonly alpha: number };

/** One natural owner of texts: a president, a mailbox, a genre. Its held-out texts are fixed before any run. */
export interface TextGroup {
  readonly name: string;
  readonly train: readonly Sample[];
  readonly heldOut: readonly Sample[];
  /** Where there are parts for all groups, those of the least number are dealt first; absent is 0, and a tie goes to most text. */
  readonly turn?: number;
}

export interface DeviceSplit {
  /** Whose texts these are, e.g. "Ronald Reagan, part 2". */
  readonly name: string;
  /** Name of the group they are all from; null for texts of any. */
  readonly owner: string | null;
  readonly train: readonly Sample[];
}

export interface PreparedTask {
  readonly definition: TaskDefinition;
  readonly devices: readonly DeviceSplit[];
  /** Of all parts' owners. */
  readonly heldOut: readonly Sample[];
  /** Of the owners of these parts only: what a run measures in which other owners take no part. */
  heldOutOf(parts: readonly number[]): readonly Sample[];
  /** Samples that nothing can be learnt of within a window. */
  readonly leftOut: number;
  /** Owners of nothing else. */
  readonly ownersLeftOut: readonly string[];
}
