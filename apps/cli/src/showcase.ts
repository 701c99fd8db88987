/**
 * What people read of a model after each round: its answer to one prompt beside the base model's, and how likely it finds
 * a sentence that nobody trained on; of a labelled task, what it takes a few unseen texts for.
 */
import { classifiedIds, type Dataset, type LocalTrainer, type Tokenizer } from "@fedlodrop/lm";
import type { RoundSample, Sample } from "@fedlodrop/run";

interface ShowcaseTerms {
  readonly kind: Dataset["kind"];
  /** Of the task; null where it has none. */
  readonly prompt: string | null;
  /** What the task calls its classes; none of a language model. */
  readonly labels: readonly string[];
  readonly sequenceLength: number;
  readonly tokenizer: Tokenizer;
}

export interface Showcase {
  /** Null where there is nothing to show. @param adapter full, flat layout */
  of(trainer: LocalTrainer, adapter: Float32Array): Promise<RoundSample | null>;
}

/** Long enough for a sentence, short enough to be read between two rounds. */
const GENERATION = { maxTokens: 28, temperature: 0.7, topK: 40, seed: "showcase" } as const;
const SENTENCE_CHARACTERS = { least: 40, most: 160 } as const;
const GUESSES = 4;
const GUESSED_CHARACTERS = 240;

export function openShowcase(heldOut: readonly Sample[], terms: ShowcaseTerms): Showcase {
  return terms.kind === "classification" ? guesses(heldOut, terms) : texts(heldOut, terms);
}

function texts(heldOut: readonly Sample[], { prompt, sequenceLength, tokenizer }: ShowcaseTerms): Showcase {
  if (prompt === null) return { of: async () => null };
  const promptIds = [...tokenizer.prefix, ...tokenizer.encode(prompt)];
  const sentence = firstSentence(heldOut);
  const ids = sentence === null ? [] : tokenizer.encode(sentence).slice(0, sequenceLength);
  const window = Int32Array.from([
    ...(tokenizer.prefix.length > 0 ? tokenizer.prefix : [tokenizer.endOfTextId]),
    ...ids,
  ]);
  const goOn = async (trainer: LocalTrainer, adapter?: Float32Array): Promise<string> =>
    tokenizer.decode(await trainer.generate(promptIds, GENERATION, adapter));
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

/** The first of the texts' sentences that is neither a cry nor a paragraph. */
function firstSentence(heldOut: readonly Sample[]): string | null {
  for (const { text } of heldOut)
    for (const [sentence] of text.matchAll(/\p{Lu}[^.!?\n]*[.!?]/gu))
      if (sentence.length >= SENTENCE_CHARACTERS.least && sentence.length <= SENTENCE_CHARACTERS.most)
        return sentence;
  return null;
}

function guesses(heldOut: readonly Sample[], { labels, sequenceLength, tokenizer }: ShowcaseTerms): Showcase {
  const shown = oneOfEachLabel(heldOut).slice(0, GUESSES);
  const sequences = shown.map(({ text }) => classifiedIds(text, tokenizer, sequenceLength));
  const read = (trainer: LocalTrainer, adapter?: Float32Array): Promise<number[][]> =>
    inTurn(sequences, (sequence) => labelProbabilities(trainer, sequence, labels.length, adapter));
  let base: Promise<number[][]> | null = null;
  return {
    async of(trainer, adapter) {
      if (shown.length === 0) return null;
      base ??= read(trainer);
      const before = await base;
      const after = await read(trainer, adapter);
      return {
        kind: "labels",
        labels,
        guesses: shown.map(({ text, label }, k) => ({
          text: text.length > GUESSED_CHARACTERS ? `${text.slice(0, GUESSED_CHARACTERS)} …` : text,
          label: label ?? 0,
          base: before[k] ?? [],
          tuned: after[k] ?? [],
        })),
      };
    },
  };
}

/** By turns one of each label, so that not all are of the commonest. */
function oneOfEachLabel(heldOut: readonly Sample[]): readonly Sample[] {
  const seen = new Map<number, number>();
  const numbered = heldOut.map((sample) => {
    const label = sample.label ?? 0;
    const place = seen.get(label) ?? 0;
    seen.set(label, place + 1);
    return { sample, label, place };
  });
  return numbered.sort((a, b) => a.place - b.place || a.label - b.label).map(({ sample }) => sample);
}

/** p(label | text) = exp(−loss), the loss being that label's cross-entropy in nats. */
const labelProbabilities = (
  trainer: LocalTrainer,
  sequence: Int32Array,
  labelCount: number,
  adapter?: Float32Array,
): Promise<number[]> =>
  inTurn(
    Array.from({ length: labelCount }, (_, label) => label),
    async (label) => {
      const dataset: Dataset = {
        kind: "classification",
        sequences: [sequence],
        labels: Int32Array.of(label),
      };
      return Math.exp(-(await trainer.evaluate(dataset, adapter)).loss);
    },
  );

/** A trainer does one thing at a time. */
async function inTurn<T, U>(items: readonly T[], work: (item: T) => Promise<U>): Promise<U[]> {
  const results: U[] = [];
  for (const item of items) results.push(await work(item));
  return results;
}
