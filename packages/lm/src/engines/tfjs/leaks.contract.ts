/** tfjs counts its tensors: nothing that a trainer on it does may leave one behind. */
import * as tf from "@tensorflow/tfjs";
import type { Dataset } from "../../data/dataset.ts";
import { cases, model, type PytorchCase } from "../../trainer/pytorch.contract.ts";
import { equal, fullAdapter, request, type TrainerCheck } from "../../trainer/trainer.contract.ts";

const [languageModel] = cases as readonly [PytorchCase];

export const leakCheck: TrainerCheck = {
  name: "200 steps, evaluation and generation leave no tensor behind",
  check: async (open) => {
    const before = tf.memory().numTensors;
    const trainer = await open(model, languageModel.shape);
    const held = tf.memory();
    const warm = await trainer.warmUp(languageModel.dataset, request(languageModel).training);
    if (!(warm.firstStepSeconds > 0 && warm.stepSeconds > 0)) throw new Error("warm-up took no time");
    let during = 0;
    const small: Dataset = { kind: "language-model", windows: [new Int32Array(5)] };
    await trainer.trainRound(request(languageModel, { localSteps: 200, batchSize: 1 }), small, ({ step }) => {
      const { numTensors } = tf.memory();
      if (step === 2) during = numTensors;
      if (step > 2) equal(numTensors, during, `tensors after step ${step}`);
    });
    await trainer.evaluate(languageModel.dataset, fullAdapter(languageModel));
    await trainer.generate([1], { maxTokens: 2, temperature: 1, topK: 0, seed: "leak" });
    const { numTensors, numBytes } = tf.memory();
    equal(
      `${numTensors} tensors, ${numBytes} bytes`,
      `${held.numTensors} tensors, ${held.numBytes} bytes`,
      "held",
    );
    trainer.dispose();
    equal(tf.memory().numTensors, before, "tensors after dispose");
  },
};
