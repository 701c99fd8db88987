import type { OnDevices, RoundRecord } from "@fedlodrop/run";
import { expect, it } from "vitest";
import { fitLearningCurve, standpoints } from "./learning-curve.ts";
import { own, record } from "./plan.fixture.ts";

/** A device's texts are harder or easier; every round takes 10 % off the training loss and adds 0.05 to the gap. */
const EASE = { p1: 1, p2: 3, p3: 5 } as const;
type Id = keyof typeof EASE;

function measured(round: number, ids: readonly Id[], ofCoordinator = false): RoundRecord {
  const devices = ids.map((id) => {
    const trainLoss = EASE[id] * 0.9 ** round;
    return {
      id,
      trainLoss,
      testLoss: trainLoss + 0.1 * EASE[id] + 0.05 * round,
      baseTestLoss: EASE[id],
      count: 10,
      seconds: 1,
      bytesDown: 1,
    };
  });
  const mean = (of: (device: (typeof devices)[number]) => number): number =>
    devices.reduce((sum, device) => sum + of(device), 0) / devices.length;
  const onDevices: OnDevices = {
    trainLoss: mean(({ trainLoss }) => trainLoss),
    testLoss: mean(({ testLoss }) => testLoss),
    baseTestLoss: mean(({ baseTestLoss }) => baseTestLoss),
    devices,
  };
  const made = record(round, [own("p1")]);
  const evaluation = made.evaluation as NonNullable<RoundRecord["evaluation"]>;
  const { trainLoss, testLoss } = ofCoordinator ? { trainLoss: 2, testLoss: 2.5 } : onDevices;
  return { ...made, evaluation: { ...evaluation, trainLoss, testLoss, onDevices } };
}

it("follows devices one by one where they measure, whoever comes and goes", () => {
  const points = standpoints([
    measured(1, ["p1", "p2", "p3"]),
    measured(2, ["p1"]),
    measured(3, ["p1", "p3"]),
    measured(4, ["p2", "p3"]),
  ]);
  for (const [i, { trainLoss, testLoss }] of points.slice(1).entries()) {
    const before = points[i]!;
    expect(trainLoss / before.trainLoss).toBeCloseTo(0.9, 9);
    expect(testLoss - trainLoss - (before.testLoss - before.trainLoss)).toBeCloseTo(0.05, 9);
  }
});

it("says nothing of what strangers measured one after the other, and goes on from there", () => {
  const points = standpoints([measured(1, ["p1"]), measured(2, ["p3"]), measured(3, ["p3"])]);
  expect(points.map(({ chain }) => chain)).toEqual([0, 1, 1]);
  expect(points[1]!.trainLoss).toBe(points[0]!.trainLoss);
  expect(points[2]!.trainLoss / points[1]!.trainLoss).toBeCloseTo(0.9, 9);
  expect(fitLearningCurve(points.slice(0, 2))).toBeNull();
});

it("takes the round's own losses where the coordinator measures", () => {
  const [, told] = standpoints([measured(1, ["p1"], true), measured(2, ["p1"], true)]);
  expect(told).toMatchObject({ trainLoss: 2, testLoss: 2.5, chain: 0 });
});

it("is not steered by one round whose training loss was absurd", () => {
  const curve = (absurd: number) =>
    fitLearningCurve(
      Array.from({ length: 12 }, (_, place) => {
        const trainLoss = 3 * 0.95 ** place * (place === 6 ? absurd : 1);
        return { place, trainLoss, testLoss: trainLoss + 0.05 * place, chain: 0 };
      }),
    )!;
  expect(Math.abs(curve(50).gapSlope / curve(1).gapSlope - 1)).toBeLessThan(0.5);
  // Noise and priors stay in steps of a usual round.
  expect(curve(50).errorAt(0.2)).toBeLessThan(3 * curve(1).errorAt(0.2));
});
