import { atOnce } from "@fedlodrop/run";
import { expect, it } from "vitest";
import { beginContrast } from "./contrast.ts";

const update = (participantId: string, changes: number[], indices: number[], weight = 10) => ({
  participantId,
  changes: Float32Array.from(changes),
  indices: Uint32Array.from(indices),
  weight,
});

it("weighs a side's own updates three times, coordinate by coordinate", () => {
  const contrasting = beginContrast(3);
  atOnce(contrasting.take(update("a", [1, 1], [0, 1]), "high"));
  atOnce(contrasting.take(update("b", [5, 7], [0, 2]), "low"));
  const contrast = atOnce(contrasting.finish(Float32Array.of(100, 200, 300)));
  // (3·1 + 5)/4 and (1 + 3·5)/4 where both kept the value, each one's own change elsewhere.
  expect([...contrast!.high]).toEqual([102, 201, 307]);
  expect([...contrast!.low]).toEqual([104, 201, 307]);
});

it("is the same whatever the order, and counts samples", () => {
  const updates = [
    [update("a", [0.3], [0], 7), "high"],
    [update("b", [-1.7], [0], 11), "low"],
    [update("c", [0.9], [0], 3), "high"],
  ] as const;
  const outcome = (order: readonly number[]) => {
    const contrasting = beginContrast(1);
    for (const i of order) atOnce(contrasting.take(updates[i]![0], updates[i]![1]));
    return atOnce(contrasting.finish(Float32Array.of(0)))!;
  };
  expect(outcome([2, 0, 1])).toEqual(outcome([0, 1, 2]));
  expect(outcome([0, 1, 2]).high[0]).toBeCloseTo((3 * 7 * 0.3 - 11 * 1.7 + 3 * 3 * 0.9) / (21 + 11 + 9), 6);
});

it("compares nothing when one side has no update", () => {
  const contrasting = beginContrast(1);
  atOnce(contrasting.take(update("a", [1], [0]), "high"));
  expect(atOnce(contrasting.finish(Float32Array.of(0)))).toBeNull();
});
