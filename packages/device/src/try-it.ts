/** The try-it box: one prompt, answered by the base model and by the model with the federation's adapter. */
import {
  type Dataset,
  datasetFromSamples,
  type GenerationOptions,
  probabilitiesOf,
  type Tokenizer,
  type Trainer,
} from "@fedlodrop/lm";
import type { RunDescription } from "@fedlodrop/protocol";
import { BETWEEN_TEXTS } from "./between-texts.ts";
import { fetchFullAdapter } from "./full-adapter.ts";
import type { FromWorker } from "./messages.ts";

const GENERATION: Omit<GenerationOptions, "seed"> = { maxTokens: 48, temperature: 0.8, topK: 40 };

export interface TryContext {
  /** Address that the pages stand under. */
  readonly site: string;
  /** This participant's session token. */
  readonly token: string;
  readonly trainer: Trainer;
  readonly tokenizer: Tokenizer;
  readonly ownHeldOut: Dataset | null;
  readonly run: RunDescription;
  readonly post: (message: FromWorker) => void;
}

export type UnusablePrompt = "no-words" | "one-text";

export class UnusablePromptError extends Error {
  override readonly name = "UnusablePromptError";
  readonly because: UnusablePrompt;

  constructor(because: UnusablePrompt, message: string) {
    super(message);
    this.because = because;
  }
}

/** The same seed on both sides, so that answers differ by the adapter alone. */
export async function tryPrompt(
  { site, token, trainer, tokenizer, ownHeldOut, run, post }: TryContext,
  prompt: string,
): Promise<void> {
  const words = tokenizer.encode(prompt);
  if (words.length === 0) throw new UnusablePromptError("no-words", "Type a few words first.");
  const { adapter, round } = await fetchFullAdapter(site, token, run);
  const untrained = round === 0;
  if (untrained) post({ kind: "untrained" });
  for (const side of untrained ? (["base"] as const) : (["base", "tuned"] as const)) {
    const used = side === "tuned" ? adapter : undefined;
    if (run.task.kind === "classification" || run.task.kind === "regression") {
      const [scores] = await trainer.scores(datasetOf(prompt, run, tokenizer), used);
      if (!scores) throw new Error("try: expected scores of the prompt, got none");
      if (run.task.kind === "regression") post({ kind: "tried-value", side, value: scores[0] as number });
      else post({ kind: "tried-labels", side, probabilities: probabilitiesOf(scores) });
    } else {
      const asked =
        run.task.kind === "chat"
          ? tokenizer.conversation([{ role: "user", content: prompt }], "").asked
          : [...tokenizer.prefix, ...words];
      const drawn: number[] = [];
      const say = (done: boolean) => post({ kind: "tried-text", side, text: tokenizer.decode(drawn), done });
      await trainer.generate(
        asked,
        { ...GENERATION, seed: prompt, prefixLength: tokenizer.prefix.length },
        used,
        (id) => {
          drawn.push(id);
          say(false);
        },
      );
      say(true);
    }
    if (ownHeldOut)
      post({ kind: "tried-own-text", side, loss: (await trainer.evaluate(ownHeldOut, used)).loss });
  }
}

/** One sample; its label or value is of no account. */
function datasetOf(prompt: string, { task, config }: RunDescription, tokenizer: Tokenizer): Dataset {
  const [text = "", ...rest] = task.pairs ? prompt.split(BETWEEN_TEXTS) : [prompt];
  if (task.pairs && rest.length === 0)
    throw new UnusablePromptError("one-text", `Type two texts, with ${BETWEEN_TEXTS} between them.`);
  const pair = task.pairs ? { pair: rest.join(BETWEEN_TEXTS).trim() } : {};
  const kind = task.kind === "regression" ? "regression" : "classification";
  const options = { kind, sequenceLength: config.training.sequenceLength } as const;
  return datasetFromSamples([{ text: text.trim(), ...pair, label: 0, value: 0 }], tokenizer, options);
}
