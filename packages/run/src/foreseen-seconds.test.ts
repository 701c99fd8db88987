import { describe, expect, it } from "vitest";
import { foreseenSeconds, intervalsHeld, ROUNDS_TO_LEARN } from "./foreseen-seconds.ts";
import type { RoundRecord, Turn } from "./report.ts";

/** Two devices of which 2 s are foreseen. */
const round = (number: number, actual: readonly (number | null)[], turn?: Turn): RoundRecord =>
  ({
    round: number,
    turn,
    allocation: {
      devices: actual.map((actualSeconds, k) => ({
        id: `p${k + 1}`,
        dropoutRate: 0.5,
        predictedSeconds: 2,
        actualSeconds,
      })),
    },
  }) as unknown as RoundRecord;

const STEADY = [2.3, 1.7, 2.3, 2.1, 2, 1.9].map((seconds, i) => round(i + 1, [seconds, seconds + 0.1]));

describe("foreseen seconds", () => {
  it("have an interval around them once rounds have shown how far off plans are, and are judged by it", () => {
    const all = foreseenSeconds(STEADY);
    expect(all).toHaveLength(12);
    for (const { turn, interval } of all) expect(interval !== null).toBe(turn > ROUNDS_TO_LEARN);
    const judged = all.filter(({ interval }) => interval !== null);
    for (const { foreseen, interval } of judged) {
      expect(interval![0]).toBeLessThan(foreseen);
      expect(interval![0]).toBeGreaterThan(1);
      expect(interval![1]).toBeGreaterThan(foreseen);
      expect(interval![1]).toBeLessThan(3);
    }
    expect(intervalsHeld(all)).toEqual({ held: 6, of: 6 });
    const late = foreseenSeconds([...STEADY, round(7, [9, 2])]);
    expect(intervalsHeld(late)).toEqual({ held: 7, of: 8 });
  });

  it("have it of a device that did not end the round, too", () => {
    const [, gone] = foreseenSeconds([...STEADY, round(7, [2, null])]).slice(-2);
    expect(gone).toMatchObject({
      device: "p2",
      actual: null,
      interval: [expect.any(Number), expect.any(Number)],
    });
  });

  it("know none of devices that are left out, and none of rounds that could not be planned", () => {
    const leftOut = { id: "p3", dropoutRate: null, predictedSeconds: 9, actualSeconds: null };
    const [{ allocation }] = STEADY as [RoundRecord];
    const devices = [...allocation!.devices, leftOut];
    const records = [
      { round: 1, allocation: { devices } },
      { round: 2, allocation: null },
    ];
    expect(foreseenSeconds(records as unknown as RoundRecord[]).map(({ device }) => device)).toEqual([
      "p1",
      "p2",
    ]);
  });

  it("of two arms by turns are those of each arm alone", () => {
    const first = [2.2, 1.9, 2.1, 2, 1.8].map((seconds) => [seconds, seconds]);
    const other = [4, 1, 3, 5, 2].map((seconds) => [seconds, seconds]);
    const turns = first.flatMap((own, i) => [
      round(2 * i + 1, own, { arm: 0, number: i + 1 }),
      round(2 * i + 2, other[i]!, { arm: 1, number: i + 1 }),
    ]);
    const alone = foreseenSeconds(first.map((own, i) => round(i + 1, own)));
    const ofFirst = foreseenSeconds(turns).filter((own) => own.round % 2 === 1);
    expect(ofFirst.map(({ interval }) => interval)).toEqual(alone.map(({ interval }) => interval));
  });
});
