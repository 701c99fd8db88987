import { adapterSize } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { COVERS, sureKeepers } from "../secure-aggregation/company.ts";
import {
  outcome,
  rehearse,
  type Script,
  seededBytes,
  testDevice,
  testTerms,
} from "../secure-aggregation/rehearsal.fixture.ts";
import { secureUniform } from "./noise.ts";
import { noiseShare, noisyNumbers } from "./shared-noise.ts";

const deviation = 0.5;
const shape = { rank: 4, alpha: 4, modules: [{ name: "m", inFeatures: 300, outFeatures: 300 }], dense: [] };
const terms = { ...testTerms, shape, limit: 1, ...noisyNumbers(deviation, 6) };
const size = adapterSize(shape);

/** What six devices that changed nothing make of zeros. */
function noiseOnly(script?: Script) {
  const devices = Array.from({ length: 6 }, (_, k) => {
    const id = `p${k + 1}`;
    const device = testDevice(terms, { id, weight: 1, dropoutRate: 0.3, changes: new Float32Array(size) });
    const uniform = secureUniform(seededBytes("noise", id));
    const { session } = device;
    return {
      ...device,
      session: {
        ...session,
        get toSend() {
          return session.toSend;
        },
        mask: (changes: Float32Array) => {
          const { coverage, indices } = session.toSend!;
          return session.mask(changes, noiseShare(coverage, indices, deviation, uniform));
        },
      },
    };
  });
  const round = rehearse(terms, devices, script);
  const result = outcome(round, new Float32Array(size));
  if (result.kind === "over" || round.state.kind !== "reveals") throw new Error("over");
  return { state: round.state, adapter: result.adapter };
}

describe("noise from the devices", () => {
  it.each([
    ["when all last", []],
    ["when a third vanish", ["p2", "p5"]],
  ])("is at least what was asked for on every value that changes, %s", (_, gone) => {
    const { state, adapter } = noiseOnly({ vanishes: new Map(gone.map((id) => [id, "inputs"])) });
    const { coverage, survivors } = state;
    const { keepers, cover, unitOf, kept, roster } = coverage;
    const sure = sureKeepers(roster.graph, keepers, cover);
    // Of every value: its sum over the deviation that its keepers have together, which is the asked one or more.
    let [squares, count] = [0, 0];
    adapter.forEach((value, i) => {
      const unit = unitOf[i]!;
      const left = survivors.filter((id) => kept[roster.places.get(id)!]?.includes(unit)).length;
      if (value === 0) return;
      expect(COVERS[cover[unit]!]).not.toBe("closed");
      expect(left).toBeGreaterThanOrEqual(sure[unit]!);
      const together = deviation * Math.sqrt(left / sure[unit]!);
      squares += ((value * left) / together) ** 2;
      count++;
    });
    expect(count).toBeGreaterThan(1000);
    // The variance of that many draws is 1 within five of its deviations.
    expect(Math.abs(squares / count - 1)).toBeLessThan(5 * Math.sqrt(2 / count));
  });

  it("fits into few bytes", () => {
    expect(noisyNumbers(deviation, 6).fractionBits).toBe(13);
    const { state } = noiseOnly();
    expect(state.coverage.roster.format.bytes).toBeLessThanOrEqual(3);
  });
});
