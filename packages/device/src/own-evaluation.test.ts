import type { Dataset, LocalTrainer } from "@fedlodrop/lm";
import { adapterSize } from "@fedlodrop/run";
import { afterEach, expect, test, vi } from "vitest";
import { run } from "./coordinator.fixture.ts";
import { answerEvaluation, setAside } from "./own-evaluation.ts";

afterEach(() => vi.unstubAllGlobals());

const windows = (count: number): Dataset => ({
  kind: "language-model",
  windows: Array.from({ length: count }, (_, row) => Int32Array.of(row)),
});
const idsOf = (dataset: Dataset | null): number[] | null =>
  dataset?.kind === "language-model" ? dataset.windows.map(([id]) => id!) : null;

test("a tenth is kept back, never all of it, and nothing is in both", () => {
  const { trained, kept } = setAside(windows(21));
  expect(idsOf(kept)).toEqual([0, 10, 20]);
  expect(new Set([...idsOf(trained)!, ...idsOf(kept)!]).size).toBe(21);
  expect(idsOf(setAside(windows(2)).kept)).toEqual([1]);
  expect(setAside(windows(1))).toEqual({ trained: windows(1), kept: null });
});

test("the adapter is measured on both, the base model once", async () => {
  const adapter = new Float32Array(adapterSize(run.adapter));
  vi.stubGlobal("fetch", async () => new Response(adapter, { headers: { "x-fedlodrop-round": "7" } }));
  const asked: [number, boolean][] = [];
  const trainer = {
    async evaluate(dataset: Dataset, tuned?: Float32Array) {
      const [first] = idsOf(dataset)!;
      asked.push([idsOf(dataset)!.length, tuned !== undefined]);
      return { loss: (tuned ? 1 : 5) + first! / 100, count: 64, exampleLossSpread: 0 };
    },
  } as unknown as LocalTrainer;
  const { trained, kept } = setAside(windows(31));
  const task = { site: "http://here/", token: "t", run, trainer, dataset: trained, kept };
  const found = { testLoss: 1, trainLoss: 1.01, baseTestLoss: 5, count: 64, seconds: expect.any(Number) };
  expect(await answerEvaluation(task, 7)).toEqual({ round: 7, measured: found });
  expect(await answerEvaluation(task, 7)).toEqual({ round: 7, measured: found });
  expect(asked).toEqual([
    [4, true],
    [4, true],
    [4, false],
    [4, true],
    [4, true],
  ]);
});

test("nothing is measured without texts to spare, of a later round's adapter, or when it fails", async () => {
  const adapter = new Float32Array(adapterSize(run.adapter));
  vi.stubGlobal("fetch", async () => new Response(adapter, { headers: { "x-fedlodrop-round": "8" } }));
  const evaluate = vi.fn(async () => ({ loss: 1, count: 64, exampleLossSpread: 0 }));
  const trainer = { evaluate } as unknown as LocalTrainer;
  const { trained, kept } = setAside(windows(31));
  const task = { site: "http://here/", token: "t", run, trainer, dataset: trained, kept };
  const nothing = { round: 7, measured: null };
  expect(await answerEvaluation(task, 7)).toEqual(nothing);
  expect((await answerEvaluation(task, 8)).measured).not.toBeNull();
  evaluate.mockClear();
  expect(await answerEvaluation({ ...task, kept: null }, 7)).toEqual(nothing);
  expect(evaluate).not.toHaveBeenCalled();
  evaluate.mockRejectedValue(new Error("out of memory"));
  expect(await answerEvaluation(task, 8)).toEqual({ round: 8, measured: null });
});
