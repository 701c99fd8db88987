import type { RoundRecord } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { own, record, request, three } from "./plan.fixture.ts";
import { planRound } from "./plan.ts";

describe("devices that are left out", () => {
  const missed = (id: string) =>
    own(id, {
      ...{ outcome: "missed-deadline", bytesDown: 0, bytesUp: 0, steps: null },
      ...{ secondsDownload: null, secondsCompute: null, secondsUpload: null },
      ...{ downlinkBytesPerSecond: null, uplinkBytesPerSecond: null, uploadLimitedBy: null },
    });
  const stalled = (rounds: number): RoundRecord[] => [
    ...[1, 2].map((round) => record(round, [own("p1"), own("p2"), missed("p3")])),
    ...Array.from({ length: rounds }, (_, i) => record(i + 3, [own("p1"), own("p2")])),
  ];

  it.each(["fixed", "random", "p-sca", "equal"] as const)(
    "by %s for stalling rest, say so, and come back by a probe",
    (method) => {
      const resting = planRound(request({ method }, three, stalled(1)));
      expect(resting.assignments.map(({ participantId }) => participantId)).toEqual(["p1", "p2"]);
      expect(resting.allocation!.devices.find(({ id }) => id === "p3")).toMatchObject({
        dropoutRate: null,
        excludedBecause: "it sent nothing in 2 rounds; it is tried again in round 6",
        exclusion: { cause: "stalls", stalls: 2, nextRound: 6 },
      });
      const { assignments, allocation } = planRound(request({ method }, three, stalled(3)));
      expect(assignments.map(({ participantId, probe }) => [participantId, probe])).toEqual([
        ["p1", false],
        ["p2", false],
        ["p3", true],
      ]);
      expect(allocation!.devices.map(({ id, excludedBecause }) => [id, excludedBecause])).toEqual([
        ["p1", null],
        ["p2", null],
        ["p3", null],
      ]);
    },
  );

  it("take part when nobody else is there", () => {
    const alone = planRound(request({ method: "fixed" }, [three[2]!], stalled(0)));
    expect(alone.assignments).toMatchObject([{ participantId: "p3", probe: false }]);
  });

  it("for energy are tried again with the steps that they may spend", () => {
    // 0.8 s at 15 W for eight steps is 12 J; p3 may spend 7.
    const change = { method: "p-sca", deviceEnergyLimitsJoules: { p3: 7 }, deadlineSeconds: 60 } as const;
    const all = [
      record(
        1,
        three.map(({ id }) => own(id)),
      ),
    ];
    const out = planRound(request(change, three, all));
    expect(out.assignments.map(({ participantId }) => participantId)).toEqual(["p1", "p2"]);
    expect(out.allocation!.devices[2]!.excludedBecause).toMatch(/^training takes more energy than allowed/);
    const without = [2, 3, 4].map((round) => record(round, [own("p1"), own("p2")]));
    const again = planRound(request(change, three, [...all, ...without]));
    expect(again.assignments[2]).toMatchObject({ participantId: "p3", probe: true, localSteps: 4 });
    // It has become cheaper meanwhile: half the steps in a quarter of the time.
    const probed = record(5, [own("p1"), own("p2"), own("p3", { steps: 4, secondsCompute: 0.2 })]);
    const cheaper = [
      probed,
      ...[6, 7].map((round) => record(round, [own("p1"), own("p2"), own("p3", { secondsCompute: 0.4 })])),
    ];
    const back = planRound(request(change, three, [...all, ...without, ...cheaper]));
    expect(back.assignments[2]).toMatchObject({ participantId: "p3", probe: false, localSteps: null });
  });
});
