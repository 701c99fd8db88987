/** The try-it box: one prompt, answered by the base model and by the model with the federation's adapter. */
import {
  classifiedIds,
  type Dataset,
  type GenerationOptions,
  type Tokenizer,
  type Trainer,
} from "@fedlodrop/lm";
import type { RunDescription } from "@fedlodrop/protocol";
import { adapterSize } from "@fedlodrop/run";
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

/** The same seed on both sides, so that answers differ by the adapter alone. */
export async function tryPrompt(
  { site, token, trainer, tokenizer, ownHeldOut, run, post }: TryContext,
  prompt: string,
): Promise<void> {
  const words = tokenizer.encode(prompt);
  if (words.length === 0) throw new Error("Type a few words first.");
  const { adapter, untrained } = await fetchAdapter(site, token, run);
  if (untrained) post({ kind: "untrained" });
  for (const side of untrained ? (["base"] as const) : (["base", "tuned"] as const)) {
    const used = side === "tuned" ? adapter : undefined;
    if (run.task.kind === "classification") {
      const sequence = classifiedIds(prompt, tokenizer, run.config.training.sequenceLength);
      const probabilities = await labelProbabilities(trainer, sequence, run.task.labels.length, used);
      post({ kind: "tried-labels", side, probabilities });
    } else {
      const drawn: number[] = [];
      const say = (done: boolean) => post({ kind: "tried-text", side, text: tokenizer.decode(drawn), done });
      await trainer.generate([...tokenizer.prefix, ...words], { ...GENERATION, seed: prompt }, used, (id) => {
        drawn.push(id);
        say(false);
      });
      say(true);
    }
    if (ownHeldOut)
      post({ kind: "tried-own-text", side, loss: (await trainer.evaluate(ownHeldOut, used)).loss });
  }
}

/** p(label | text) = exp(−loss), the loss being that label's cross-entropy in nats. */
async function labelProbabilities(
  trainer: Trainer,
  sequence: Int32Array,
  labelCount: number,
  adapter: Float32Array | undefined,
): Promise<number[]> {
  const probabilities: number[] = [];
  for (let label = 0; label < labelCount; label++) {
    const dataset: Dataset = { kind: "classification", sequences: [sequence], labels: Int32Array.of(label) };
    probabilities.push(Math.exp(-(await trainer.evaluate(dataset, adapter)).loss));
  }
  return probabilities;
}

interface Tuned {
  /** Little-endian f32 in flat-vector order. */
  readonly adapter: Float32Array;
  /** It is the one that the run began with, which changes nothing. */
  readonly untrained: boolean;
}

/** The federation's full adapter. */
async function fetchAdapter(site: string, token: string, run: RunDescription): Promise<Tuned> {
  const response = await fetch(`${site}api/adapter`, { headers: { authorization: `Bearer ${token}` } });
  if (!response.ok) throw new Error(`/api/adapter: expected the tuned adapter, got HTTP ${response.status}`);
  const adapter = new Float32Array(await response.arrayBuffer());
  const expected = adapterSize(run.adapter);
  if (adapter.length !== expected)
    throw new Error(`/api/adapter: expected ${expected} values, got ${adapter.length}`);
  return { adapter, untrained: response.headers.get("x-fedlodrop-round") === "0" };
}
