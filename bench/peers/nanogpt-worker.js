/**
 * The LoRA step of @genai-fi/nanogpt in a browser worker, at the shape of its own that is nearest to S: tied head, RMS
 * norms without biases, no dropout of columns and rows. Plain JavaScript, for the package is installed by hand alone:
 * `npm ci --ignore-scripts --prefix bench/peers`.
 */
import { tensor2d } from "@tensorflow/tfjs-core";
import { serveLab } from "../../packages/lm/lab/worker-lab.ts";
import { selectBackend } from "./node_modules/@genai-fi/nanogpt/dist/backend.js";
import NanoGpt from "./node_modules/@genai-fi/nanogpt/dist/models/NanoGPTV1.js";
import BasicTrainer from "./node_modules/@genai-fi/nanogpt/dist/training/BasicTrainer.js";

const SHAPE = {
  vocabSize: 1024,
  blockSize: 64,
  nLayer: 4,
  nHead: 4,
  nEmbed: 128,
  mlpFactor: 4,
  useRope: false,
};
const BATCH = 4;
const LORA = { rank: 8, alpha: 16, variables: ["*_cAttn", "*_cProj", "*_mlpHidden", "*_mlpOut"] };

let trainer;
let batch;

serveLab({
  async open() {
    await selectBackend("webgpu");
    const tokens = BATCH * SHAPE.blockSize;
    const ids = (shift) =>
      Int32Array.from({ length: tokens }, (_, i) => (7919 * (i + shift)) % SHAPE.vocabSize);
    const tensor = (shift) => tensor2d(ids(shift), [BATCH, SHAPE.blockSize], "int32");
    batch = { xs: tensor(0), ys: tensor(1) };
    const model = new NanoGpt(SHAPE);
    model.forward({ training: false }, batch.xs).dispose(); // makes the weights
    model.createLoRA("bench", LORA);
    model.attachLoRA("bench");
    trainer = new BasicTrainer(model, null, { learningRate: 1e-3 });
    await step();
  },

  async steps(count) {
    const times = [];
    for (let i = 0; i < count; i++) {
      const start = performance.now();
      await step();
      times.push(performance.now() - start);
    }
    return times;
  },
});

async function step() {
  const loss = trainer.trainStep({}, batch);
  const [value] = await loss.data();
  loss.dispose();
  if (!Number.isFinite(value)) throw new Error(`bench: expected a finite loss, got ${value}`);
}
