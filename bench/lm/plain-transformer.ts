/**
 * The same forward pass as packages/lm/src/engines/tfjs/transformer.ts, written as one writes it in tfjs with nothing hand-tuned:
 * autograd everywhere, frozen matrices through tf.matMul, layer norm and tanh GELU composed. The base of the
 * comparison in lm-step.ts.
 */
import type { LanguageModel, TensorMap } from "@fedlodrop/lm";
import * as tf from "@tensorflow/tfjs";
import type { AdapterTensors } from "../../packages/lm/src/engines/tfjs/lora-dropout.ts";
/** Mean next-token loss of the batch as a function of the adapter; weights are uploaded once. */
export function createPlainLoss(
  model: LanguageModel,
  tensors: TensorMap,
  ids: Int32Array,
  targets: Int32Array,
  batchSize: number,
  length: number,
): (adapter: AdapterTensors) => tf.Scalar {
  if (model.config.kind !== "gpt2") throw new Error(`expected a GPT-2, got ${model.config.kind}`);
  const { width, headCount, layerCount, layerNormEpsilon, vocabularySize } = model.config;
  const weights = new Map(
    [...tensors].map(([name, { shape, values }]) => [name, tf.tensor(values, [...shape])]),
  );
  const weight = <T extends tf.Tensor>(name: string): T => weights.get(name) as T;
  const headMatrix = tf.transpose(weight<tf.Tensor2D>("lm_head.weight"));
  const inputs = tf.tensor1d(ids, "int32");
  const oneHot = tf.cast(tf.oneHot(tf.tensor1d(targets, "int32"), vocabularySize), "float32");
  const mask = tf.tensor2d(
    Array.from({ length: length }, (_, query) =>
      Array.from({ length: length }, (_, key) => (key > query ? -1e9 : 0)),
    ),
  );

  const norm = (x: tf.Tensor2D, name: string): tf.Tensor2D => {
    const centred = tf.sub(x, tf.mean(x, -1, true));
    const variance = tf.mean(tf.square(centred), -1, true);
    const normalised = tf.mul(centred, tf.rsqrt(tf.add(variance, layerNormEpsilon)));
    return tf.add(tf.mul(normalised, weight(`${name}.weight`)), weight(`${name}.bias`));
  };
  const heads = (x: tf.Tensor): tf.Tensor =>
    tf.transpose(tf.reshape(x, [batchSize, length, headCount, width / headCount]), [0, 2, 1, 3]);
  const gelu = (x: tf.Tensor2D): tf.Tensor2D => {
    const inner = tf.mul(Math.sqrt(2 / Math.PI), tf.add(x, tf.mul(0.044715, tf.mul(tf.square(x), x))));
    return tf.mul(tf.mul(x, 0.5), tf.add(1, tf.tanh(inner)));
  };

  return (adapter) => {
    const linear = (x: tf.Tensor2D, name: string): tf.Tensor2D => {
      const base = tf.add(tf.matMul(x, weight<tf.Tensor2D>(`${name}.weight`)), weight(`${name}.bias`));
      const factors = adapter.modules.get(name);
      if (!factors) throw new Error(`bench: expected factors of ${name}`);
      return tf.add(base, tf.matMul(tf.matMul(x, factors.down), factors.up));
    };
    const embedded = tf.reshape(tf.gather(weight("wte.weight"), inputs), [batchSize, length, width]);
    let hidden = tf.reshape(tf.add(embedded, weight("wpe.weight")), [-1, width]) as tf.Tensor2D;
    for (let layer = 0; layer < layerCount; layer++) {
      const block = `h.${layer}`;
      const qkv = linear(norm(hidden, `${block}.ln_1`), `${block}.attn.c_attn`);
      const [q, k, v] = tf.split(qkv, 3, 1).map(heads) as [tf.Tensor, tf.Tensor, tf.Tensor];
      const scores = tf.div(tf.matMul(q, k, false, true), Math.sqrt(width / headCount));
      const attended = tf.matMul(tf.softmax(tf.add(scores, mask)), v);
      const merged = tf.reshape(tf.transpose(attended, [0, 2, 1, 3]), [-1, width]) as tf.Tensor2D;
      hidden = tf.add(hidden, linear(merged, `${block}.attn.c_proj`));
      const inner = linear(norm(hidden, `${block}.ln_2`), `${block}.mlp.c_fc`);
      hidden = tf.add(hidden, linear(gelu(inner), `${block}.mlp.c_proj`));
    }
    const logits = tf.matMul(norm(hidden, "ln_f"), headMatrix);
    return tf.losses.softmaxCrossEntropy(oneHot, logits) as tf.Scalar;
  };
}
