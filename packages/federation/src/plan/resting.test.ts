import type { ParticipantRound, RoundRecord } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { standingOf } from "./resting.ts";

type Part = Pick<ParticipantRound, "outcome" | "bytesDown"> & { readonly seconds?: number };
const good: Part = { outcome: "aggregated", bytesDown: 100 };
const silent: Part = { outcome: "missed-deadline", bytesDown: 100 };
const never: Part = { outcome: "missed-deadline", bytesDown: 0, seconds: 2 };
const cutOff: Part = { outcome: "missed-deadline", bytesDown: 100, seconds: 2 };

/** Records of rounds 1, 2, …; null sits out. */
const records = (parts: readonly (Part | null)[]): RoundRecord[] =>
  parts.map((part, i) => ({
    round: i + 1,
    basedOnRound: i,
    method: "fixed",
    deadlineSeconds: 30,
    trainLoss: null,
    testLoss: null,
    evaluation: null,
    seconds: part?.seconds ?? 30,
    participants: part === null ? [] : [{ id: "p1", ...part } as ParticipantRound],
    allocation: null,
  }));
const standing = (...parts: (Part | null)[]) => standingOf("p1", parts.length + 1, records(parts));

describe("a device", () => {
  it("takes part until it has stalled twice in a row", () => {
    expect(standing()).toEqual({ kind: "takes-part" });
    expect(standing(silent)).toEqual({ kind: "takes-part" });
    expect(standing(silent, good, silent)).toEqual({ kind: "takes-part" });
    expect(standing(silent, silent)).toEqual({
      kind: "rests",
      exclusion: { cause: "stalls", stalls: 2, nextRound: 6 },
    });
    expect(standing(never, never).kind).toBe("rests");
  });

  it("is not said to stall for what others did", () => {
    // The quorum closed the round while it was at work; it left; its update was refused.
    expect(standing(cutOff, cutOff, cutOff).kind).toBe("takes-part");
    expect(standing(silent, { ...silent, outcome: "left" }).kind).toBe("takes-part");
    expect(standing(silent, { ...silent, outcome: "refused" }, silent).kind).toBe("takes-part");
  });

  it("is probed after its rest, and comes back with an update", () => {
    expect(standing(silent, silent, null, null).kind).toBe("rests");
    expect(standing(silent, silent, null, null, null).kind).toBe("probe");
    expect(standing(silent, silent, null, null, null, good).kind).toBe("takes-part");
  });

  it("rests twice as long after each probe that fails, and never for more than twelve rounds", () => {
    const parts: (Part | null)[] = [silent, silent];
    const probes: number[] = [];
    while (parts.length < 60) {
      const isProbe = standing(...parts.slice()).kind === "probe";
      if (isProbe) probes.push(parts.length + 1);
      // A probe gets less than the deadline: whatever it has not sent by then counts.
      parts.push(isProbe ? cutOff : null);
    }
    expect(probes).toEqual([6, 13, 26, 39, 52]);
  });
});
