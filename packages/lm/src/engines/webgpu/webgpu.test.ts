/** The WebGPU engine in a worker of a real Chromium, on SwiftShader: both contracts, its choices, and its failures. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Lab, type LabPage, openLab } from "../../../lab/open-lab.ts";
import type { EngineDescription } from "../../trainer/engine-description.ts";
import { trainerChecks } from "../../trainer/trainer.contract.ts";
import { formsOf } from "./variants.ts";

const SECONDS = 1000;

describe("the WebGPU engine", { timeout: 400 * SECONDS }, () => {
  let lab: Lab;
  let page: LabPage;

  beforeAll(async () => {
    lab = await openLab(new URL("./webgpu-lab.contract.ts", import.meta.url).pathname);
    page = await lab.openPage();
  }, 300 * SECONDS); // may fetch a Chromium first
  afterAll(() => lab?.close());

  test.each(formsOf(true).product.map((_, form) => form))(
    "form %i of every kernel passes the contract",
    async (form) => expect(await page.call("checkForm", form)).toEqual([]),
  );

  test.each(trainerChecks)("trainer: $name", ({ name }) => page.call("trainerCheck", name));

  test("the engine says what it measured, and took the best", async () => {
    const { kernels } = await page.call<EngineDescription>("describe");
    expect(kernels.map(({ kernel }) => kernel).sort()).toEqual(
      [
        ...["attention", "attentionBackward", "barriers", "loraDown", "loraGradient", "lossRows", "normRows"],
        ...["product f32", "transposedProduct f32"],
      ].sort(),
    );
    for (const { kernel, chosen, seconds = {} } of kernels)
      if (kernel !== "barriers") expect(seconds[chosen]).toBe(Math.min(...Object.values(seconds)));
  });

  test("a form that computes something else at the ends is no candidate, be it the first", async () => {
    const timed = await page.call<string[]>("wrongAtEnds", "quads");
    expect(timed).toContain("registers");
    expect(timed).not.toContain("quads");
  });

  test("after the warm-up no rate compiles anything, and a step submits and reads once", async () => {
    const [warmUp, ...rounds] =
      await page.call<{ pipelines: number; readbacks: number; submissions: number }[]>("roundCosts");
    expect(warmUp?.readbacks).toBeGreaterThan(0);
    expect(rounds).toHaveLength(4);
    // Three steps; the trained values come with the last one's report.
    for (const { pipelines, readbacks, submissions } of rounds)
      expect({ pipelines, readbacks, submissions }).toEqual({ pipelines: 0, readbacks: 3, submissions: 3 });
  });

  test("200 steps hold the same bytes, and nothing is left at the end", async () => {
    const { held, after } = await page.call<{ held: number[]; after: number }>("heldBytes", 200);
    expect(held).toHaveLength(4);
    expect(new Set(held).size).toBe(1);
    expect(held[0]).toBeGreaterThan(0);
    expect(after).toBe(0);
  });

  test("an invalid program is named, with the compiler's words", async () => {
    expect(await page.call("brokenProgram")).toMatch(
      /^DeviceFailure: WebGPU: invalid program broken: .*noSuchName/s,
    );
  });

  test("an error that nothing waited for fails every later call, and the next engine gets another device", async () => {
    const endings = await page.call<string[]>("uncapturedError");
    expect(endings).toHaveLength(4);
    for (const ending of endings.slice(0, 3)) expect(ending).toMatch(/^DeviceFailure: WebGPU: .*usage/is);
    expect(endings[3]).toBe("it succeeded");
  });

  test("without a source of weights, a lost device rejects the round and every later call", async () => {
    const endings = await page.call<string[]>("lostDevice");
    expect(endings).toHaveLength(2);
    for (const ending of endings) expect(ending).toMatch(/^DeviceFailure: WebGPU: device lost/);
  });

  test("with one, a round that loses its device three times ends as if it had not", async () => {
    const reasons = await page.call<string[]>("recovered", [3, 4, 19]);
    expect(reasons).toHaveLength(3);
    for (const reason of reasons) expect(reason).toMatch(/^WebGPU: device lost/);
  });
});
