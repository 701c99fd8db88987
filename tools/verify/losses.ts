/**
 * What a decoder of real weights makes of texts: `npx tsx tools/verify/losses.ts MODEL BASE < texts.json`, a JSON array of
 * texts, prints { tokens, losses: nats a token of each text }; tokens begin as the model's texts do. One base a process, since
 * a large model fills its memory.
 */
import { readFileSync } from "node:fs";
import { adapterShape, createTrainer } from "@fedlodrop/lm";
import { nodeHost, readModel } from "@fedlodrop/lm/node";
import type { BaseType } from "@fedlodrop/run";

const [folder = "", base = "f32"] = process.argv.slice(2);
const texts = JSON.parse(readFileSync(0, "utf8")) as string[];
const { model, tokenizer } = await readModel(folder);
const tokens = texts.map((text) => [...tokenizer.prefix, ...tokenizer.encode(text)]);
const adapter = adapterShape(model.config, { rank: 1, alpha: 1, targetModules: null });
const trainer = await createTrainer({
  ...{ backend: "wasm", model, adapter, base: base as BaseType, wasmHost: nodeHost() },
});
const losses: number[] = [];
for (const ids of tokens)
  losses.push((await trainer.evaluate({ kind: "language-model", windows: [Int32Array.from(ids)] })).loss);
const answer = JSON.stringify({ tokens, losses });
process.stdout.write(answer, () => process.exit());
