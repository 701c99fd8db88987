/** Nothing grows while a participant trains on: not the linear memory, not JavaScript's heap. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { drawDropoutMask, gatherValues, initialAdapter, keptIndices } from "@fedlodrop/run";
import { expect, test, vi } from "vitest";
import { createPlannedTrainer } from "../../trainer/planned-trainer.ts";
import { cases, model, type PytorchCase } from "../../trainer/pytorch.contract.ts";
import { nodeHost } from "./node-host.ts";
import { openWasmEngine } from "./open.ts";

const SPANS = 3;
const ROUNDS_PER_SPAN = 17;
const STEPS = 10;
/** A closure that keeps one round's buffers alive costs 20 kB a round and more; compiled code comes once, in bursts. */
const MOST_BYTES_PER_ROUND = 8_000;
const RATES = [0, 0.25, 0.5, 0.9];

test("51 rounds of 10 steps at changing rates take no more memory than the first few", {
  timeout: 120_000,
}, async () => {
  const { shape, dataset } = cases[0] as PytorchCase;
  const trainer = await createPlannedTrainer(
    await openWasmEngine({ ...nodeHost(2), smallestShared: 0 }),
    model,
    shape,
    "int8",
  );
  const options = { batchSize: 2, learningRate: 1e-3, weightDecay: 0, rescale: "inverted" } as const;
  const round = async (number: number): Promise<void> => {
    const dropoutRate = RATES[number % RATES.length] as number;
    const mask = drawDropoutMask(shape, { seed: "growth", round: number, participantId: "p", dropoutRate });
    const values = gatherValues(initialAdapter(shape, "growth"), keptIndices(shape, mask));
    const training = { ...options, localSteps: STEPS };
    await trainer.trainRound({ mask, dropoutRate, values, training, batchSeed: "growth" }, dataset);
    await trainer.evaluate(dataset, initialAdapter(shape, "growth"));
    await trainer.generate([1, 2], { maxTokens: 3, temperature: 0, topK: 1, seed: "growth" });
  };
  for (let number = 0; number < 2 * RATES.length; number++) await round(number);

  const grow = vi.spyOn(WebAssembly.Memory.prototype, "grow");
  const growths: number[] = [];
  for (let span = 0; span < SPANS; span++) {
    const before = heapBytes();
    for (let number = 0; number < ROUNDS_PER_SPAN; number++) await round(number);
    growths.push(heapBytes() - before);
  }
  expect(grow).not.toHaveBeenCalled();
  // What leaks grows in every span; what V8 compiles or caches on the way grows in one or two.
  expect(Math.min(...growths) / ROUNDS_PER_SPAN).toBeLessThan(MOST_BYTES_PER_ROUND);
  grow.mockRestore();
  trainer.dispose();
});

/** After a collection of what is no longer used. */
function heapBytes(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().heapUsed;
}
