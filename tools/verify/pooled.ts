/**
 * What an encoder of real weights makes of texts: `npx tsx tools/verify/pooled.ts MODEL < texts.json`, a JSON array of texts,
 * prints { tokens, pooled: { f32, f16, int8, int4 } }. The classifier is the identity, so that logits are the pooled state.
 */
import { readFileSync } from "node:fs";
import { adapterShape, datasetFromSamples } from "@fedlodrop/lm";
import { nodeHost, readModel } from "@fedlodrop/lm/node";
import { adapterLayout, adapterSize, BASE_TYPES } from "@fedlodrop/run";
import { openWasmEngine } from "../../packages/lm/src/engines/wasm/open.ts";
import { logitsOf } from "../../packages/lm/src/models/verified.contract.ts";
import { uploadWeights } from "../../packages/lm/src/trainer/upload.ts";

const texts = JSON.parse(readFileSync(0, "utf8")) as string[];
const { model, tokenizer } = await readModel(process.argv[2] as string);
const { width } = model.config;
const shape = adapterShape(model.config, { rank: 1, alpha: 1, targetModules: null, labels: width });
const adapter = new Float32Array(adapterSize(shape));
for (const { name, offset } of adapterLayout(shape))
  if (name === "classifier.weight") for (let i = 0; i < width; i++) adapter[offset + i * width + i] = 1;
const samples = texts.map((text) => ({ text, label: 0 }));
const dataset = datasetFromSamples(samples, tokenizer, { kind: "classification", sequenceLength: 128 });
if (dataset.kind !== "classification") throw new Error("expected a classification's data set");

const pooled: Record<string, number[]> = {};
for (const base of BASE_TYPES) {
  const engine = await openWasmEngine(nodeHost(1));
  await uploadWeights(engine, model, base);
  const rest = { gradient: adapter, expected: { tokens: [], logits: [], loss: 0 } };
  pooled[base] = await logitsOf(engine, { model, shape, adapter, dataset, ...rest });
  engine.dispose();
}
const answer = JSON.stringify({ tokens: dataset.sequences.map((ids) => [...ids]), pooled });
process.stdout.write(answer, () => process.exit());
