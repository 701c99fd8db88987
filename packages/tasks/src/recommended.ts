/** Settings that suit the tasks of each kind; single tasks differ in a field or two. */
import type { RecommendedSettings } from "./task.ts";

/** Little data, many steps: FedLoRA overfits within the rounds given, and dropout helps (docs/tasks.md has the numbers). */
export const languageModel: RecommendedSettings = {
  sequenceLength: 64,
  batchSize: 4,
  localSteps: 8,
  learningRate: 8e-3,
  rounds: 20,
  rank: 8,
  samplesPerDevice: 40,
  dropoutRate: 0.5,
  few: { devices: 2, dropoutRate: 0.7 },
  many: { devices: 30, dropoutRate: 0.3 },
  split: { kind: "natural" },
  devices: 64,
};

export const classification: RecommendedSettings = {
  ...languageModel,
  batchSize: 16,
  localSteps: 4,
  learningRate: 2e-3,
  rounds: 15,
  samplesPerDevice: 64,
  dropoutRate: 0.7,
  few: null,
  many: null,
  devices: 30,
};

/** Conversations are longer than labelled texts, and each is a window of its own. */
export const chat: RecommendedSettings = { ...languageModel, sequenceLength: 128, devices: 30 };

/** γ that so many devices begin with. */
export function dropoutRateFor(
  { dropoutRate, few, many }: Pick<RecommendedSettings, "dropoutRate" | "few" | "many">,
  devices: number,
): number {
  if (few !== null && devices <= few.devices) return few.dropoutRate;
  return many !== null && devices >= many.devices ? many.dropoutRate : dropoutRate;
}
