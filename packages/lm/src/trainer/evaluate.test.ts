import { expect, test } from "vitest";
import { evaluateScores, evaluateTokens, probabilitiesOf } from "./evaluate.ts";

/** Each token's "loss" is its own id, so that means can be worked by hand. */
const ownIds = async ({ ids }: { readonly ids: Int32Array }): Promise<Float32Array> => Float32Array.from(ids);

test("windows of several lengths, of devices with little text, are averaged over their tokens", async () => {
  const windows = [
    [1, 3, 0],
    [2, 2, 2, 2, 0],
    [5, 7, 0],
    [9, 0],
  ].map((ids) => Int32Array.from(ids));
  const { loss, count, exampleLossSpread } = await evaluateTokens(
    { kind: "language-model", windows },
    ownIds,
  );
  expect(count).toBe(2 + 4 + 2 + 1);
  expect(loss).toBeCloseTo((1 + 3 + 8 + 12 + 9) / 9, 12);
  // Windows' own means are 2, 2, 6 and 9.
  expect(exampleLossSpread).toBeCloseTo(9 - 0.03 * 3 - 2, 12);
});

test("rows that only fill a batch up do not count", async () => {
  const windows = Array.from({ length: 11 }, (_, row) => Int32Array.of(row, row, 0));
  const { loss, count } = await evaluateTokens({ kind: "language-model", windows }, ownIds);
  expect(count).toBe(22);
  expect(loss).toBeCloseTo(5, 12);
});

test("of a conversation only the answer counts", async () => {
  const sequences = [Int32Array.of(9, 8, 1, 3, 0), Int32Array.of(9, 5, 0)];
  const { loss, count } = await evaluateTokens(
    { kind: "chat", sequences, answerFrom: Int32Array.of(3, 1) },
    ownIds,
  );
  // Where the targets are the ids at 3, 4 and at 1, 2, inputs are 1, 3 and 9, 5.
  expect(count).toBe(4);
  expect(loss).toBeCloseTo((1 + 3 + 9 + 5) / 4, 12);
});

test("scores become probabilities, losses and the figures of their task", () => {
  expect(probabilitiesOf(Float32Array.of(Math.log(3), 0))).toEqual([
    expect.closeTo(0.75, 6),
    expect.closeTo(0.25, 6),
  ]);
  const bounds = { sequences: [], secondFrom: new Int32Array() };
  const scores = [Float32Array.of(Math.log(3), 0), Float32Array.of(Math.log(3), 0)];
  const classes = { kind: "classification", ...bounds, labels: Int32Array.of(0, 1) } as const;
  expect(evaluateScores(classes, scores)).toMatchObject({
    ...{ loss: expect.closeTo(-(Math.log(0.75) + Math.log(0.25)) / 2, 6), accuracy: 0.5 },
    ...{ matthews: 0, f1: 0, count: 2 },
  });
  const values = { kind: "regression", ...bounds, values: Float32Array.of(1, 2, 4) } as const;
  const estimates = [1, 3, 2].map((estimate) => Float32Array.of(estimate));
  expect(evaluateScores(values, estimates)).toMatchObject({
    ...{ loss: expect.closeTo(5 / 3, 6), spearman: expect.closeTo(0.5, 12), count: 3 },
  });
  // Nobody's estimates vary before training.
  const alike = [0, 0, 0].map((estimate) => Float32Array.of(estimate));
  expect(evaluateScores(values, alike)).not.toHaveProperty("pearson");
});
