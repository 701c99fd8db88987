/**
 * What people read of a model after each round: its answer to one prompt beside the base model's, and how likely it finds
 * a sentence that nobody trained on; of a labelled task, what it takes a few unseen texts for.
 */
import { datasetFromSamples, type LocalTrainer, probabilitiesOf, type Tokenizer } from "@fedlodrop/lm";
import { createRandom, type RoundSample, type Sample, shuffled, type TaskKind } from "@fedlodrop/run";
import { passageEnd } from "@fedlodrop/tasks";

interface ShowcaseTerms {
  readonly kind: TaskKind;
  /** Of the task; null where it has none. */
  readonly prompt: string | null;
  /** What the task calls its classes; none of a language model. */
  readonly labels: readonly string[];
  readonly sequenceLength: number;
  readonly tokenizer: Tokenizer;
  /** The run's: decides which labelled texts are shown, and in which order. */
  readonly seed: string;
}

export interface Showcase {
  /** Null where there is nothing to show. @param adapter full, flat layout */
  of(trainer: LocalTrainer, adapter: Float32Array): Promise<RoundSample | null>;
}

/** Long enough for a sentence, short enough to be read between two rounds. */
const GENERATION = { maxTokens: 28, temperature: 0.7, topK: 40, seed: "showcase" } as const;
const SENTENCE_CHARACTERS = { least: 40, most: 160 } as const;
const NAME_OR_NUMBER = /\P{L}\p{Lu}\p{L}|\d/u;
const GUESSES = 8;
const GUESSED_CHARACTERS = 240;
/** Less says next to nothing. */
const LEAST_GUESSED_CHARACTERS = 80;
/** Of the words behind a text's first one: salutations and lists of names have more. */
const MOST_CAPITALISED = 1 / 5;

export function openShowcase(heldOut: readonly Sample[], terms: ShowcaseTerms): Showcase {
  const { kind } = terms;
  switch (kind) {
    case "language-model":
    case "chat":
      return texts(heldOut, terms);
    case "classification":
    case "regression":
      return guesses(heldOut, { ...terms, kind });
    default:
      return kind satisfies never;
  }
}

function texts(heldOut: readonly Sample[], terms: ShowcaseTerms): Showcase {
  const { kind, prompt, sequenceLength, tokenizer } = terms;
  if (prompt === null) return { of: async () => null };
  const promptIds =
    kind === "chat"
      ? tokenizer.conversation([{ role: "user", content: prompt }], "").asked
      : [...tokenizer.prefix, ...tokenizer.encode(prompt)];
  const sentence = kind === "chat" ? null : firstSentence(heldOut);
  const ids = sentence === null ? [] : tokenizer.encode(sentence).slice(0, sequenceLength);
  const window = Int32Array.from([
    ...(tokenizer.prefix.length > 0 ? tokenizer.prefix : [tokenizer.endOfTextId]),
    ...ids,
  ]);
  const prefixLength = tokenizer.prefix.length;
  const goOn = async (trainer: LocalTrainer, adapter?: Float32Array): Promise<string> =>
    tokenizer.decode(await trainer.generate(promptIds, { ...GENERATION, prefixLength }, adapter));
  const nats = async (trainer: LocalTrainer, adapter?: Float32Array): Promise<number> =>
    (await trainer.evaluate({ kind: "language-model", windows: [window] }, adapter)).loss;
  let base: Promise<{ readonly text: string; readonly nats: number | null }> | null = null;
  return {
    async of(trainer, adapter) {
      const measured = sentence !== null && window.length > 1;
      base ??= (async () => ({ text: await goOn(trainer), nats: measured ? await nats(trainer) : null }))();
      const { text, nats: baseNats } = await base;
      return {
        kind: "text",
        prompt,
        base: text,
        tuned: await goOn(trainer, adapter),
        unseen:
          baseNats === null
            ? null
            : {
                text: tokenizer.decode(ids),
                tokens: window.length - 1,
                baseNats,
                tunedNats: await nats(trainer, adapter),
              },
      };
    },
  };
}

/** The first of the texts' sentences that is neither a cry nor a paragraph; if there is one, without numbers or, behind its first
 *  word, names: how likely those are is luck. */
function firstSentence(heldOut: readonly Sample[]): string | null {
  const sentences = heldOut
    .flatMap(({ text }) => text.match(/\p{Lu}[^.!?\n]*[.!?]/gu) ?? [])
    .filter(({ length }) => length >= SENTENCE_CHARACTERS.least && length <= SENTENCE_CHARACTERS.most);
  return sentences.find((sentence) => !NAME_OR_NUMBER.test(sentence)) ?? sentences[0] ?? null;
}

function guesses(
  heldOut: readonly Sample[],
  {
    kind,
    labels,
    sequenceLength,
    tokenizer,
    seed,
  }: ShowcaseTerms & { readonly kind: "classification" | "regression" },
): Showcase {
  const shown = chosenToGuess(heldOut, seed);
  if (shown.length === 0) return { of: async () => null };
  const dataset = datasetFromSamples(shown, tokenizer, { kind, sequenceLength });
  let base: Promise<Float32Array[]> | null = null;
  return {
    async of(trainer, adapter) {
      base ??= trainer.scores(dataset, undefined);
      const [before, after] = [await base, await trainer.scores(dataset, adapter)];
      const both = shown.map((sample, k) => ({
        ...{ sample, text: shownText(sample) },
        base: before[k] as Float32Array,
        tuned: after[k] as Float32Array,
      }));
      return kind === "regression"
        ? {
            kind: "values",
            guesses: both.map(({ sample, text, base, tuned }) => ({
              ...{ text, value: sample.value ?? Number.NaN },
              ...{ base: base[0] as number, tuned: tuned[0] as number },
            })),
          }
        : {
            ...{ kind: "labels", labels },
            guesses: both.map(({ sample, text, base, tuned }) => ({
              ...{ text, label: sample.label ?? 0 },
              ...{ base: probabilitiesOf(base), tuned: probabilitiesOf(tuned) },
            })),
          };
    },
  };
}

/** Of a pair both, with a mark between them; what is cut ends at a sentence or at a word. */
function shownText({ text, pair }: Sample): string {
  const most = pair === undefined ? GUESSED_CHARACTERS : GUESSED_CHARACTERS / 2;
  const shorten = (one: string): string =>
    one.length > most ? `${one.slice(0, passageEnd(one, 0, most)).trimEnd()} …` : one;
  return pair === undefined ? shorten(text) : `${shorten(text)} ‖ ${shorten(pair)}`;
}

/**
 * One text of each label and others of labels that are drawn, in an order that is drawn too, so that neither the texts'
 * places nor their number tells a label. Of each label those that say something come first, as far as there are any.
 */
function chosenToGuess(heldOut: readonly Sample[], seed: string): readonly Sample[] {
  const random = createRandom(seed, "texts to guess");
  const drawn = shuffled(heldOut, random);
  const inTurn = [...drawn.filter(saysSomething), ...drawn.filter((sample) => !saysSomething(sample))];
  let waiting = [...new Set(drawn.map(({ label }) => label))].map((label) =>
    inTurn.filter((sample) => sample.label === label),
  );
  const chosen = waiting.flatMap((texts) => texts.shift() ?? []);
  for (;;) {
    waiting = waiting.filter(({ length }) => length > 0);
    if (waiting.length === 0 || chosen.length >= GUESSES) break;
    chosen.push(...(waiting[random.below(waiting.length)]?.splice(0, 1) ?? []));
  }
  return shuffled(chosen.slice(0, GUESSES), random);
}

/** By its form alone: it is neither very short, nor begun in the middle of a sentence, nor mostly names, as a salutation is. */
function saysSomething(sample: Sample): boolean {
  const text = shownText(sample);
  const [, ...words] = text.match(/\p{L}[\p{L}'-]*/gu) ?? [];
  const capitalised = words.filter((word) => /^\p{Lu}/u.test(word)).length;
  return (
    text.length >= LEAST_GUESSED_CHARACTERS &&
    /^\P{L}*[^\P{L}\p{Ll}]/u.test(text) &&
    capitalised <= MOST_CAPITALISED * words.length
  );
}
