/** The WebGPU engine in a worker of a real Chromium, on SwiftShader: the contract, our shaders, and their failures. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Lab, type LabPage, openLab } from "../../../lab/open-lab.ts";
import type { EngineDescription } from "../../trainer/engine-description.ts";
import { cases } from "../../trainer/pytorch.contract.ts";
import { trainerChecks } from "../../trainer/trainer.contract.ts";
import { leakCheck } from "./leaks.contract.ts";

const SECONDS = 1000;
/** tfjs trains on WebGPU where our own engine cannot: what it costs and holds over many steps is asked with SLOW_TESTS=1. */
const IS_SLOW = process.env.SLOW_TESTS === "1";

describe("trainer on WebGPU", { timeout: 120 * SECONDS }, () => {
  let lab: Lab;
  let page: LabPage;

  beforeAll(async () => {
    lab = await openLab(new URL("./webgpu-lab.contract.ts", import.meta.url).pathname);
    page = await lab.openPage();
  }, 300 * SECONDS); // may fetch a Chromium first
  afterAll(() => lab?.close());

  test("the probe says what it measured and chose", async () => {
    const { kernels } = await page.call<EngineDescription>("describe");
    expect(kernels.map(({ kernel }) => kernel)).toEqual(["gelu", "matmul", "softmax", "rows"]);
    for (const { chosen, seconds } of kernels.slice(1)) {
      if (!seconds) throw new Error("expected a measurement");
      expect(chosen).toBe((seconds.own as number) < (seconds.stock as number) ? "own" : "stock");
    }
  });

  test("our programs write what the host computes, over poisoned buffers", async () => {
    const { silent, ...errors } = await page.call<Record<string, number>>("kernelErrors");
    expect(silent, "a program that writes nothing").toBe(Number.POSITIVE_INFINITY);
    expect(Object.keys(errors)).toHaveLength(65);
    for (const [name, error] of Object.entries(errors)) expect(error, name).toBeLessThan(1e-5);
  });

  test("integers cast to floats are multiplied rightly", async () => {
    expect(await page.call("castProduct")).toEqual([3, 3, 7, 7]);
  });

  test.each(IS_SLOW ? [...trainerChecks, leakCheck] : trainerChecks)("$name", ({ name }) =>
    page.call("check", name),
  );

  test.each(cases.map(({ dataset }, position) => ({ kind: dataset.kind, position })))(
    "$kind: every gradient equals PyTorch float64",
    async ({ position }) => {
      const { relative, largest } = await page.call<{ relative: number; largest: number }>(
        "gradientError",
        position,
      );
      expect(relative).toBeLessThan(1e-5);
      expect(largest).toBeLessThan(1e-5);
    },
  );

  test.runIf(IS_SLOW)(
    "a round after the warm-up compiles nothing, at any rate, and reads back once a step",
    async () => {
      const fresh = await lab.openPage();
      const [warmUp, ...rounds] =
        await fresh.call<{ pipelines: number; readbacks: number }[]>("pipelinesPerRound");
      expect(warmUp?.pipelines).toBeGreaterThan(10);
      // Three steps, and the trained values at the end.
      expect(rounds).toEqual(Array.from({ length: 5 }, () => ({ pipelines: 0, readbacks: 4 })));
      await fresh.close();
    },
  );

  test("a lost device rejects the pending round and every later call", async () => {
    const fresh = await lab.openPage();
    const endings = await fresh.call<string[]>("lostDevice");
    for (const ending of endings) expect(ending).toMatch(/^Error: WebGPU: device lost/);
    await fresh.close();
  });

  // The last of this page: its device has failed from then on.
  test("an invalid shader rejects instead of leaving a stale buffer", async () => {
    expect(await page.call("brokenShader")).toMatch(/^Error: WebGPU: .*noSuchName/s);
  });
});
