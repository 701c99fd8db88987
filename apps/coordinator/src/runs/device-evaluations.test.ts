import type { RoundRecord } from "@fedlodrop/run";
import { expect, test } from "vitest";
import { createDeviceEvaluations } from "./device-evaluations.ts";

/** A clock whose alarms go off when a test says so. */
function openCollections(every = 2) {
  const alarms = new Set<() => void>();
  const evaluations = createDeviceEvaluations({
    config: { evaluateOn: { kind: "devices", every } },
    adapter: { rank: 1, alpha: 1, modules: [{ name: "m", inFeatures: 3, outFeatures: 2 }], dense: [] },
    clock: {
      nowMs: () => 0,
      after(_, alarm) {
        alarms.add(alarm);
        return () => alarms.delete(alarm);
      },
    },
  });
  const ring = (): void => {
    for (const alarm of alarms) alarm();
    alarms.clear();
  };
  return { evaluations, ring, alarms };
}

const record = (round: number, outcomes: Readonly<Record<string, string>>) =>
  ({
    round,
    participants: Object.entries(outcomes).map(([id, outcome]) => ({ id, outcome })),
  }) as unknown as RoundRecord;
const said = (round: number, testLoss: number, count: number) => ({
  round,
  measured: { testLoss, trainLoss: testLoss / 2, baseTestLoss: 3, count, seconds: 0.5 },
});

test("only every n-th round is asked for, and only of those whose updates are in it", async () => {
  const { evaluations, alarms } = openCollections();
  evaluations.recorded(record(1, { p1: "aggregated" }));
  expect(await evaluations.collected(1)).toBeNull();
  evaluations.recorded(record(2, { p1: "aggregated", p2: "late", p3: "aggregated" }));
  expect(evaluations.answered("p2", said(2, 1, 1))).toContain("expected no evaluation");
  expect(evaluations.answered("p1", said(1, 1, 1))).toContain("round 1");
  expect(evaluations.answered("p3", said(2, 2, 30))).toBeNull();
  expect(evaluations.answered("p1", said(2, 1, 10))).toBeNull();
  expect(await evaluations.collected(2)).toEqual({
    ...{ testLoss: 0.25 + 1.5, trainLoss: 0.125 + 0.75, baseTestLoss: 3 },
    devices: [
      { id: "p1", testLoss: 1, trainLoss: 0.5, baseTestLoss: 3, count: 10, seconds: 0.5, bytesDown: 20 },
      { id: "p3", testLoss: 2, trainLoss: 1, baseTestLoss: 3, count: 30, seconds: 0.5, bytesDown: 20 },
    ],
  });
  expect(alarms.size).toBe(0);
  // What comes now is too late to be in the record.
  expect(evaluations.answered("p1", said(2, 9, 10))).not.toBeNull();
});

test("a round whose evaluation a log tells of asks nobody again, and makes nobody silent", async () => {
  const { evaluations, ring, alarms } = openCollections();
  evaluations.recorded(record(2, { p1: "aggregated" }));
  evaluations.known(2);
  expect(alarms.size).toBe(0);
  ring();
  expect(await evaluations.collected(2)).toBeNull();
  evaluations.recorded(record(4, { p1: "aggregated" }));
  expect(alarms.size).toBe(1);
});

test("who leaves is not waited for, nor who has nothing to say", async () => {
  const { evaluations } = openCollections();
  evaluations.recorded(record(2, { p1: "aggregated", p2: "aggregated", p3: "aggregated" }));
  evaluations.gone("p2");
  evaluations.answered("p3", { round: 2, measured: null });
  evaluations.answered("p1", said(2, 1, 4));
  expect((await evaluations.collected(2))?.devices.map(({ id }) => id)).toEqual(["p1"]);
  evaluations.recorded(record(4, { p1: "aggregated" }));
  evaluations.gone("p1");
  expect(await evaluations.collected(4)).toBeNull();
});

test("one that is silent is waited for once, and again when it has spoken", async () => {
  const { evaluations, ring, alarms } = openCollections(1);
  evaluations.recorded(record(1, { p1: "aggregated", p2: "aggregated" }));
  evaluations.answered("p1", said(1, 1, 4));
  ring();
  expect((await evaluations.collected(1))?.devices).toHaveLength(1);
  evaluations.recorded(record(2, { p1: "aggregated", p2: "aggregated" }));
  evaluations.answered("p1", said(2, 1, 4));
  expect(evaluations.answered("p2", said(2, 1, 4))).toBeNull();
  expect((await evaluations.collected(2))?.devices).toHaveLength(2);
  evaluations.recorded(record(3, { p1: "aggregated", p2: "aggregated" }));
  expect(alarms.size).toBe(1);
  evaluations.close();
  expect(await evaluations.collected(3)).toBeNull();
});
