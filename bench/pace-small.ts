/**
 * How much progress a round makes at a dropout rate, on the small model: the fall of the logarithm of the training loss after
 * six rounds as a share of what dropping nothing makes, and the power of the keep rate that this is.
 *
 *   npx tsx bench/pace-small.ts [--seeds 3] [--rounds 6]
 */
import { parseArgs } from "node:util";
import { initialAdapter, resolveRunConfig } from "@fedlodrop/run";
import { steadyLaptop } from "../apps/cli/src/reproduce/device-model.ts";
import { mean } from "../apps/cli/src/reproduce/figure.ts";
import { federate } from "../apps/cli/src/reproduce/in-process-federation.ts";
import {
  createSmallWorld,
  join,
  LEARNED_BY_HEART,
  SMALL_WORLD,
  type SmallWorldTerms,
  smallLoss,
  smallTrainer,
} from "../apps/cli/src/simulate/small-model.ts";

const { values: flags } = parseArgs({
  options: { seeds: { type: "string", default: "3" }, rounds: { type: "string", default: "6" } },
});
const RATES = [0, 0.1, 0.3, 0.5, 0.7, 0.8, 0.9];

async function progress(
  terms: SmallWorldTerms,
  dropoutRate: number,
  learningRate: number,
  seed: string,
): Promise<number> {
  const world = createSmallWorld({ ...terms, seed });
  const train = join(world.devices);
  const config = resolveRunConfig({
    method: "fixed",
    dropoutRate,
    seed,
    rounds: Number(flags.rounds),
    training: { localSteps: 8, batchSize: 4, learningRate },
  });
  let last = initialAdapter(world.shape, seed);
  const before = smallLoss(world, train, last);
  const devices = world.devices.map((dataset, k) => ({
    id: `p${k + 1}`,
    dataset,
    ...steadyLaptop(dataset.labels.length),
  }));
  for await (const { adapter } of federate({
    trainer: smallTrainer(world),
    shape: world.shape,
    config,
    devices,
  }))
    last = adapter;
  return Math.log(before / smallLoss(world, train, last));
}

console.log("world,devices,learning_rate,dropout_rate,share_of_progress,power_of_keep_rate");
for (const [name, world] of Object.entries({ plain: SMALL_WORLD, "by-heart": LEARNED_BY_HEART }))
  for (const devices of [4, 8])
    for (const learningRate of [0.01, 0.03]) {
      const made: number[] = [];
      for (const rate of RATES) {
        const own: number[] = [];
        for (let seed = 0; seed < Number(flags.seeds); seed++)
          own.push(await progress({ ...world, devices }, rate, learningRate, String(seed)));
        made.push(mean(own));
      }
      for (const [i, rate] of RATES.entries()) {
        if (rate === 0) continue;
        const share = (made[i] as number) / (made[0] as number);
        const power = share > 0 ? (Math.log(share) / Math.log(1 - rate)).toFixed(2) : "";
        console.log([name, devices, learningRate, rate, share.toFixed(3), power].join());
      }
    }
