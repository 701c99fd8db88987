import type { RunOverrides } from "@fedlodrop/run";
import { expect, it } from "vitest";
import { runSmallCell } from "./small-cell.ts";
import { LEARNED_BY_HEART } from "./small-model.ts";

const SEEDS = ["0", "1"];

async function heldOut(settings: RunOverrides): Promise<number> {
  const outcomes = await Promise.all(
    SEEDS.map((seed) => runSmallCell({ settings, devices: 4, learningRate: 0.03, seed })),
  );
  return outcomes.reduce((sum, { last }) => sum + last.report, 0) / SEEDS.length;
}

it("rates that are chosen live end within 2 % of the best fixed one, which nobody knows beforehand", async () => {
  const fixed: number[] = [];
  for (const dropoutRate of [0, 0.3, 0.5, 0.7, 0.9])
    fixed.push(await heldOut({ method: "fixed", dropoutRate }));
  const live = await heldOut({ method: "branch-and-bound" });
  expect(live / Math.min(...fixed)).toBeLessThan(1.02);
  // The choice is no small one: the worst rate costs much more.
  expect(Math.max(...fixed) / Math.min(...fixed)).toBeGreaterThan(1.04);
}, 240_000);

it("what is learned by heart without dropout is not where rates are chosen by fifty held-out samples", async () => {
  const ends = async (settings: RunOverrides): Promise<number> =>
    (
      await runSmallCell({
        settings,
        devices: 4,
        learningRate: 0.01,
        seed: "0",
        world: LEARNED_BY_HEART,
        choosing: 50,
      })
    ).last.report;
  expect(await ends({ method: "branch-and-bound" })).toBeLessThan((await ends({ method: "fedlora" })) / 2);
}, 240_000);

it("plays ablations: settings of training and a federation's own rules reach the small model", async () => {
  const base = {
    settings: { method: "fixed", dropoutRate: 0.5 },
    devices: 2,
    learningRate: 0.01,
    seed: "0",
  } as const;
  const ends = async (change: Partial<Parameters<typeof runSmallCell>[0]>): Promise<number> =>
    (await runSmallCell({ ...base, ...change })).last.report;
  const reference = await ends({});
  const others = [
    await ends({ settings: { ...base.settings, training: { rescale: "none" } } }),
    await ends({ variant: "bernoulli" }),
    await ends({ variant: "int8" }),
    await ends({ variant: "horvitz-thompson" }),
  ];
  for (const other of others) {
    expect(other).not.toBe(reference);
    expect(Math.abs(other / reference - 1)).toBeLessThan(0.15);
  }
  // Eight bits with what rounding took sent later are as good as all of them.
  expect(Math.abs((others[2] as number) / reference - 1)).toBeLessThan(0.005);
});
