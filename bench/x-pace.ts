import { initialAdapter, resolveRunConfig } from "@fedlodrop/run";
import { steadyLaptop } from "../apps/cli/src/reproduce/device-model.ts";
import { federate } from "../apps/cli/src/reproduce/in-process-federation.ts";
import {
  createSmallWorld,
  join,
  LEARNED_BY_HEART,
  SMALL_WORLD,
  smallLoss,
  smallTrainer,
} from "../apps/cli/src/simulate/small-model.ts";

for (const [name, terms] of [
  ["plain", SMALL_WORLD],
  ["by-heart", LEARNED_BY_HEART],
] as const)
  for (const devices of [4, 8])
    for (const lr of [0.01, 0.03]) {
      const out: string[] = [];
      let base: number[] = [];
      for (const g of [0, 0.1, 0.3, 0.5, 0.7, 0.8, 0.9]) {
        const u: number[] = Array(12).fill(0);
        for (let seed = 0; seed < 3; seed++) {
          const world = createSmallWorld({ ...terms, devices, heldOutSamples: 800, seed: String(seed) });
          const train = join(world.devices);
          const config = resolveRunConfig({
            method: "fixed",
            dropoutRate: g,
            seed: String(seed),
            rounds: 12,
            training: { localSteps: 8, batchSize: 4, learningRate: lr },
          } as never);
          const l0 = smallLoss(world, train, initialAdapter(world.shape, String(seed)));
          for await (const { adapter, round } of federate({
            trainer: smallTrainer(world),
            shape: world.shape,
            config,
            devices: world.devices.map((dataset, k) => ({
              id: `p${k + 1}`,
              dataset,
              ...steadyLaptop(dataset.labels.length),
            })),
          } as never))
            u[round - 1]! += Math.log(l0 / smallLoss(world, train, adapter)) / 3;
        }
        if (g === 0) base = u;
        else
          out.push(
            `${g}: ` +
              [2, 5, 11]
                .map((r) => {
                  const f = u[r]! / base[r]!;
                  return `${f.toFixed(3)} a=${(((1 / f - 1) * (1 - g)) / g).toFixed(2)} p=${(Math.log(f) / Math.log(1 - g)).toFixed(2)}`;
                })
                .join(" | "),
          );
      }
      console.log(name, devices, lr, "U", [2, 5, 11].map((r) => base[r]!.toFixed(2)).join(" "));
      console.log(out.join("\n"));
    }
