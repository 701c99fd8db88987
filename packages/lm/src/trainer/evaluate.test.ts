import { expect, test } from "vitest";
import { evaluateTokens } from "./evaluate.ts";

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
