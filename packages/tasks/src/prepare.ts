/** From groups of texts to a task as a run needs it. */
import type { Sample } from "@fedlodrop/run";
import { chooseHeldOut, withoutDuplicates } from "./held-out.ts";
import { groupsInPlay, type SampleLimit, splitAmongDevices } from "./split.ts";
import type { PreparedTask, SplitRule, TaskDefinition, TextGroup } from "./task.ts";

export interface AssembleOptions {
  readonly devices: number;
  readonly rule: SplitRule;
  readonly seed: string;
  /** Training samples, or windows of a language model, of a device at most; null is all it has. */
  readonly samplesPerDevice: number | null;
  /** Tokens of a window; the task's recommended length unless given. */
  readonly sequenceLength?: number;
  /** Tokens that the model makes of a text; without it a text is taken to be like English in the bundled model. */
  readonly countTokens?: (text: string) => number;
  /** Whether a model that reads windows of this length can learn a sample at all; all of them unless given. */
  readonly fits?: (sample: Sample) => boolean;
  /** Held-out samples or windows that a run measures; 200 unless given, which takes seconds, not minutes. */
  readonly heldOutSamples?: number;
}

/** What the bundled tokenizer makes of the speeches. */
const USUAL_CHARACTERS_PER_TOKEN = 3.3;
/** Texts that a rate is taken from, and how much of each: windows are counted exactly where the tokens are. */
const TEXTS_COUNTED = 40;
const CHARACTERS_COUNTED = 1_000;

/** Others, a run's rounds among them, wait no longer than this while samples are looked through. */
const PATIENCE_MILLISECONDS = 30;

/** Training texts by device and a held-out set of the same owners; no text is in both. Throws as the split does. */
export async function assembleTask(
  definition: TaskDefinition,
  groups: readonly TextGroup[],
  options: AssembleOptions,
): Promise<PreparedTask> {
  const {
    devices,
    rule,
    seed,
    samplesPerDevice,
    sequenceLength = definition.recommended.sequenceLength,
    heldOutSamples = 200,
    countTokens,
    fits,
  } = options;
  const charactersPerToken = countTokens ? rateOf(groups, countTokens) : USUAL_CHARACTERS_PER_TOKEN;
  const limitOf = (count: number): SampleLimit =>
    definition.kind === "language-model"
      ? { kind: "characters", count: Math.round(count * sequenceLength * charactersPerToken) }
      : { kind: "samples", count };

  const fitting = fits ? await onlyFitting(groups, fits) : groups;
  const leftOut = countOf(groups) - countOf(fitting);
  if (leftOut > 0 && countOf(fitting) === 0)
    throw new Error(
      `${definition.name}: expected an answer that begins within ${sequenceLength} tokens, got none in ${leftOut}; a longer sequence length would have them`,
    );
  const ownersLeftOut = groups
    .filter((group, i) => countOf([group]) > 0 && countOf([fitting[i] as TextGroup]) === 0)
    .map(({ name }) => name);
  const distinct = withoutDuplicates(fitting);
  const limit = samplesPerDevice === null ? null : limitOf(samplesPerDevice);
  const dealt = splitAmongDevices(distinct, { devices, rule, seed, limit });
  const inPlay = groupsInPlay(distinct, devices, rule);
  const heldOutOf = (parts: readonly number[]): readonly Sample[] => {
    const owners = new Set(parts.map((part) => dealt[part]?.owner ?? null));
    const measured = owners.has(null) ? inPlay : inPlay.filter(({ name }) => owners.has(name));
    const theirs = chooseHeldOut(measured, limitOf(heldOutSamples));
    // Owners of a row or two may have none to hold out: then everybody's are measured.
    return theirs.length > 0 ? theirs : chooseHeldOut(distinct, limitOf(heldOutSamples));
  };
  const heldOut = heldOutOf(dealt.map((_, part) => part));
  if (heldOut.length === 0)
    throw new Error(
      `${definition.name}: expected some texts to hold out, got none that are not trained on too; give it more rows`,
    );
  return { definition, devices: dealt, heldOut, heldOutOf, leftOut, ownersLeftOut };
}

/** To know it, each sample is tokenised, which takes seconds for a large file. */
async function onlyFitting(
  groups: readonly TextGroup[],
  fits: (sample: Sample) => boolean,
): Promise<readonly TextGroup[]> {
  let since = performance.now();
  const fittingOf = async (samples: readonly Sample[]): Promise<readonly Sample[]> => {
    const kept: Sample[] = [];
    for (const sample of samples) {
      if (fits(sample)) kept.push(sample);
      if (performance.now() - since < PATIENCE_MILLISECONDS) continue;
      await new Promise((resolve) => setTimeout(resolve));
      since = performance.now();
    }
    return kept;
  };
  const fitting: TextGroup[] = [];
  for (const group of groups)
    fitting.push({
      ...group,
      train: await fittingOf(group.train),
      heldOut: await fittingOf(group.heldOut),
    });
  return fitting;
}

const countOf = (groups: readonly TextGroup[]): number =>
  groups.reduce((sum, { train, heldOut }) => sum + train.length + heldOut.length, 0);

/** Characters of a token, from texts evenly spaced over all groups. */
function rateOf(groups: readonly TextGroup[], countTokens: (text: string) => number): number {
  const texts = groups.flatMap(({ train }) => train.map(({ text }) => text.slice(0, CHARACTERS_COUNTED)));
  const step = Math.max(1, texts.length / TEXTS_COUNTED);
  let [characters, tokens] = [0, 0];
  for (let at = 0; at < texts.length; at += step) {
    const text = texts[Math.floor(at)] as string;
    characters += text.length;
    tokens += countTokens(text);
  }
  return tokens > 0 ? characters / tokens : USUAL_CHARACTERS_PER_TOKEN;
}
