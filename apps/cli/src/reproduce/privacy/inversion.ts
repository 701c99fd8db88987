/**
 * Reads a lone text back from a device's update. The attacker knows all that a coordinator knows: the model, the adapter
 * that the round began with, the mask (it follows from the seed), the training settings. What it does not know is the
 * text: it searches for the one whose gradient points where the update went.
 *
 * It is helped: it knows the text's length and first token, and chooses each other token among a few, the text's own and the
 * most frequent. What it finds is more than an attacker with the whole vocabulary and as little time would, and what is
 * hidden from it is hidden from it alone: better attacks exist.
 */
import { type Dataset, type KeptValues, type LocalTrainer, maskedGradient } from "@fedlodrop/lm";
import { type AdapterShape, createRandom, gatherValues, type RunConfig, subAdapter } from "@fedlodrop/run";

export interface InversionSetting {
  readonly dropoutRate: number;
  readonly localSteps: number;
  /** Standard deviation of the noise on each value, over the update's own norm; 0 is none. Clipping alone changes nothing: it keeps
   *  the direction. */
  readonly noise: number;
}

export interface Inversion {
  /** Share of the tokens, but for the first, that are found in their places. */
  readonly found: number;
  /** Of the text among all texts, by how well its gradient fits: 1 is the best. */
  readonly rank: number;
}

export interface InversionTask {
  readonly trainer: Pick<LocalTrainer, "gradient" | "trainRound">;
  readonly shape: AdapterShape;
  /** That the round begins with. */
  readonly adapter: Float32Array;
  readonly training: RunConfig["training"];
  /** Windows that the text could be. */
  readonly texts: readonly Int32Array[];
  /** Tokens to choose among, the most frequent first. */
  readonly vocabulary: readonly number[];
  readonly candidates: number;
}

export async function invert(
  task: InversionTask,
  { dropoutRate, localSteps, noise }: InversionSetting,
  secret: number,
): Promise<Inversion> {
  const { trainer, shape, adapter, training, texts, vocabulary, candidates } = task;
  const text = texts[secret] as Int32Array;
  const own = subAdapter(shape, { seed: "attack", round: 1, participantId: `p${secret}`, dropoutRate });
  const { rescale } = training;
  const values = gatherValues(adapter, own.indices);
  const kept: KeptValues = { dropoutRate, rescale, indices: own.indices, values };
  const { delta } = await trainer.trainRound(
    {
      mask: own.mask,
      dropoutRate,
      values: kept.values,
      training: { ...training, localSteps, batchSize: 1 },
      batchSeed: "attack",
    },
    lone(text),
  );
  const random = createRandom("attack", "noise", secret, dropoutRate, noise);
  const norm = Math.sqrt(delta.reduce((sum, change) => sum + change * change, 0));
  const update = delta.map((change) => change + noise * norm * random.normal());

  /** How well this text's gradient fits the update, −1 to 1. */
  const fit = async (supposed: Int32Array): Promise<number> =>
    -cosine(await maskedGradient(trainer, shape, kept, lone(supposed)), update);

  const fits: number[] = [];
  for (const other of texts) fits.push(await fit(other));
  const rank = 1 + fits.filter((value, k) => k !== secret && value >= (fits[secret] as number)).length;

  const choices = [...new Set([...text, ...vocabulary])].slice(0, Math.max(candidates, new Set(text).size));
  const guess = Int32Array.from(text, (token, at) => (at === 0 ? token : (vocabulary[0] as number)));
  /** The choice that fits best at this place, all others as they are guessed. */
  const choose = async (at: number, length: number): Promise<void> => {
    let [best, bestFit] = [guess[at] as number, Number.NEGATIVE_INFINITY];
    for (const token of choices) {
      const supposed = guess.slice(0, length);
      supposed[at] = token;
      const value = await fit(supposed);
      if (value > bestFit) [best, bestFit] = [token, value];
    }
    guess[at] = best;
  };
  // From the left, where what comes later cannot disturb; then once more, everything in view.
  for (let at = 1; at < text.length; at++) await choose(at, at + 1);
  for (let at = 1; at < text.length; at++) await choose(at, text.length);
  const right = guess.filter((token, at) => at > 0 && token === text[at]).length;
  return { found: right / (text.length - 1), rank };
}

const lone = (window: Int32Array): Dataset => ({ kind: "language-model", windows: [window] });

function cosine(a: Float32Array, b: Float32Array): number {
  let [product, left, right] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    product += (a[i] as number) * (b[i] as number);
    left += (a[i] as number) ** 2;
    right += (b[i] as number) ** 2;
  }
  return product / Math.max(Number.MIN_VALUE, Math.sqrt(left * right));
}
