import { adapterSize, atOnce, createRandom } from "@fedlodrop/run";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { beginMean } from "../../../federation/src/update/exact-mean.ts";
import { COVERS, keepsUnit } from "./company.ts";
import { type SecureRound, unmaskingsOf } from "./coordinator.ts";
import { survivorThreshold } from "./device-graph.ts";
import { sign } from "./keys.ts";
import {
  indicesOf,
  outcome,
  rehearse,
  type Script,
  STEPS,
  type StepName,
  type TestDevice,
  testDevice,
  testTerms,
} from "./rehearsal.fixture.ts";
import { advertised } from "./roster.ts";

const size = adapterSize(testTerms.shape);
const adapter = Float32Array.from({ length: size }, (_, i) => Math.sin(i));

function devicesOf(
  count: number,
  rate: (k: number) => number = () => 0.3,
  seed = "x",
  known?: ReadonlyMap<string, Uint8Array>,
): TestDevice[] {
  const random = createRandom("devices", seed);
  return Array.from({ length: count }, (_, k) =>
    testDevice(
      testTerms,
      {
        id: `p${k + 1}`,
        weight: 1 + random.below(1000),
        dropoutRate: rate(k),
        changes: Float32Array.from({ length: size }, () => random.normal() * 0.02),
      },
      known,
    ),
  );
}

/** The plain mean of those who were left, where the covering says that it can be known; elsewhere the old values. */
function plainMean(
  devices: readonly TestDevice[],
  { coverage, survivors, senders }: Extract<SecureRound, { kind: "reveals" }>,
): Float32Array {
  const left = new Set(survivors);
  const mean = beginMean(size);
  for (const device of devices) {
    if (!left.has(device.id)) continue;
    const indices = indicesOf(testTerms, device);
    const changes = Float32Array.from(indices, (i) => device.changes[i]!);
    atOnce(mean.take({ participantId: device.id, weight: device.weight, indices, changes }));
  }
  const plain = atOnce(mean.finish(adapter)).adapter;
  const { places } = coverage.roster;
  return plain.map((value, i) => {
    const unit = coverage.unitOf[i]!;
    const keepers = senders.filter((id) => keepsUnit(coverage.keepers, unit, places.get(id)!));
    const cover = COVERS[coverage.cover[unit]!];
    const isKnown = cover === "mendable" || (cover === "firm" && keepers.every((id) => left.has(id)));
    // Where a single device is summed nothing may come out.
    if (isKnown && keepers.some((id) => left.has(id)))
      expect(keepers.filter((id) => left.has(id)).length).toBeGreaterThan(1);
    return isKnown ? value : adapter[i]!;
  });
}

function expectPlainMean(devices: readonly TestDevice[], script?: Script) {
  const round = rehearse(testTerms, devices, script);
  const result = outcome(round, adapter);
  expect(round.refusals).toEqual([]);
  if (result.kind === "over") throw new Error(result.message);
  expect([...result.adapter]).toEqual([
    ...plainMean(devices, round.state as Extract<SecureRound, { kind: "reveals" }>),
  ]);
  return { ...round, ...result };
}

describe("a round under secure aggregation", () => {
  it("gives the bits of the plain mean when nobody vanishes, and leaves out only what one device alone keeps", () => {
    const { state, counted } = expectPlainMean(devicesOf(8, (k) => [0, 0.3, 0.6, 0.9][k % 4]!));
    if (state.kind !== "reveals") throw new Error();
    const { cover } = state.coverage;
    const closed = cover.filter((c) => COVERS[c] === "closed").length;
    expect(counted).toBeGreaterThan(0.9 * size);
    expect(closed).toBeLessThan(3);
  });

  it("gives them for any masks, weights and losses that a round bears", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 10 }),
        fc.array(fc.constantFrom(0, 0.2, 0.5, 0.8, 0.95), { minLength: 10, maxLength: 10 }),
        fc.array(fc.constantFrom(...STEPS.slice(1)), { minLength: 4, maxLength: 4 }),
        fc.nat(),
        (count, rates, steps, pick) => {
          const devices = devicesOf(count, (k) => rates[k]!, String(pick));
          const mayGo = count - survivorThreshold(count);
          const gone = [...devices]
            .sort((a, b) => ((a.weight * 31 + pick) % 97) - ((b.weight * 31 + pick) % 97))
            .slice(0, mayGo);
          expectPlainMean(devices, { vanishes: new Map(gone.map(({ id }, i) => [id, steps[i % 4]!])) });
        },
      ),
      { numRuns: 12 },
    );
  }, 120_000);

  it.each(STEPS)("bears a third of nine devices vanishing in step %s", (step: StepName) => {
    const devices = devicesOf(9);
    expectPlainMean(devices, { vanishes: new Map(["p2", "p5", "p9"].map((id) => [id, step])) });
  });

  it.each(STEPS.slice(1))("ends without a result when more than a third vanish in step %s", (step) => {
    const round = rehearse(testTerms, devicesOf(9), {
      vanishes: new Map(["p1", "p3", "p5", "p7"].map((id) => [id, step])),
    });
    const result = outcome(round, adapter);
    expect(result).toMatchObject({ kind: "over", message: expect.stringMatching(/expected 6 .*got 5/) });
  });

  it("works in the light graph beyond 32 devices, with a third of them gone", () => {
    const devices = devicesOf(33, (k) => (k % 2 ? 0.3 : 0.5));
    const gone = devices.filter((_, k) => k % 3 === 0).map(({ id }, i) => [id, STEPS[1 + (i % 4)]!] as const);
    const { state } = expectPlainMean(devices, { vanishes: new Map(gone) });
    if (state.kind !== "reveals") throw new Error();
    expect(state.coverage.roster.graph.ring).not.toBeNull();
  }, 120_000);
});

describe("a coordinator that lies", () => {
  it("is found out when devices are told different survivors", () => {
    const round = rehearse(testTerms, devicesOf(9), {
      toDevice: (id, message) =>
        message.kind === "survivors" && id !== "p9" && id < "p5"
          ? { ...message, survivors: message.survivors.filter((other) => other !== "p9") }
          : message,
    });
    // Their signatures are of something else: the coordinator cannot show two thirds that agree.
    expect(round.over?.message).toMatch(/expected 6 devices at least in step signatures, got 5/);
  });

  it("is found out when it passes on signatures of something else", () => {
    const devices = devicesOf(4);
    const round = rehearse(testTerms, devices, {
      toDevice: (_, message) => {
        if (message.kind !== "signatures") return message;
        const bytes = message.bytes.slice();
        bytes[3]! ^= 1;
        return { ...message, bytes };
      },
    });
    expect(round.refusals).toHaveLength(4);
    expect(round.refusals[0]).toContain("p1 has not signed what this device was told");
    expect(outcome(round, adapter)).toMatchObject({ kind: "over" });
  });

  it("is refused when the roster holds other keys, another weight, or leaves a device out", () => {
    const changed = (
      change: (
        entries: Extract<Parameters<NonNullable<Script["toDevice"]>>[1], { kind: "roster" }>["entries"],
      ) => unknown,
    ) =>
      rehearse(testTerms, devicesOf(4), {
        toDevice: (_, message) =>
          message.kind === "roster"
            ? { ...message, entries: change(message.entries) as typeof message.entries }
            : message,
      }).refusals;
    const flipped = (bytes: Uint8Array) => bytes.map((byte, i) => (i === 40 ? byte ^ 1 : byte));
    expect(
      changed((e) =>
        e.map((entry) =>
          entry.id === "p2" ? { ...entry, advertisement: flipped(entry.advertisement) } : entry,
        ),
      ),
    ).toEqual([
      "p1: keys of p2: not signed by its identity for this round",
      "p2: roster: this device's keys are not those it sent",
      "p3: keys of p2: not signed by its identity for this round",
      "p4: keys of p2: not signed by its identity for this round",
    ]);
    expect(changed((e) => e.map((entry) => ({ ...entry, weight: 1 })))[0]).toMatch(
      /expected weight \d+ at dropout rate 0.3, got 1/,
    );
    expect(changed((e) => e.filter(({ id }) => id !== "p3"))).toContain(
      "p3: roster: this device is not in it",
    );
    expect(changed((e) => [...e].reverse())[0]).toContain("expected ids in order");
  });

  it("cannot bring back another device under a known name", () => {
    const known = new Map([["p2", devicesOf(3)[0]!.identity.publicKey]]);
    const { refusals } = rehearse(testTerms, devicesOf(3, undefined, "x", known));
    expect(refusals[0]).toContain("p2 is not the device that it was in an earlier round");
  });

  it("cannot use keys of another round again", () => {
    const replayed = devicesOf(3)[1]!.session.keys;
    const later = { ...testTerms, round: 4 };
    const devices = devicesOf(3).map((device) => testDevice(later, device));
    const round = rehearse(later, devices, {
      toCoordinator: (id, answer) => (id === "p2" && answer.kind === "keys" ? replayed : answer),
    });
    expect(round.refusals).toEqual(["coordinator: keys of p2: not signed by its identity for this round"]);
  });

  it("cannot have a device sign twice, or answer a step again", () => {
    const devices = devicesOf(3);
    const seen = new Map<string, Parameters<NonNullable<Script["toDevice"]>>[1]>();
    rehearse(testTerms, devices, {
      toDevice: (id, message) => {
        if (id === "p1") seen.set(message.kind, message);
        return message;
      },
    });
    for (const message of seen.values())
      expect(devices[0]!.session.receive(message)).toMatchObject({ kind: "refused" });
  });
});

describe("what the coordinator holds", () => {
  const shares = (colluding: number) => {
    const devices = devicesOf(6);
    const round = rehearse(testTerms, devices);
    if (round.state.kind !== "reveals") throw new Error();
    const answers = new Map([...round.state.answers].slice(0, colluding));
    return atOnce(unmaskingsOf({ ...round.state, answers }));
  };

  it("is nothing with shares of one device fewer than the threshold, and everything with the threshold", () => {
    expect(shares(3)).toMatchObject({
      kind: "over",
      message: expect.stringContaining("expected 4 shares of p1, got 3"),
    });
    expect(shares(4)).toHaveLength(6);
  });

  it("looks like noise: a device's masked input differs from any other's in half of the bits", () => {
    const inputOf = (changes: number) => {
      let bytes = new Uint8Array();
      const devices = devicesOf(3).map((device) =>
        testDevice(testTerms, { ...device, changes: device.changes.fill(changes) }),
      );
      rehearse(testTerms, devices, {
        toCoordinator: (id, answer) => {
          if (id === "p1" && answer.kind === "input") bytes = answer.bytes.slice();
          return answer;
        },
      });
      return bytes;
    };
    const zeros = inputOf(0);
    const ones = zeros.reduce((sum, byte) => sum + byte.toString(2).split("1").length - 1, 0);
    expect(Math.abs(ones / (8 * zeros.length) - 0.5)).toBeLessThan(0.03);
    expect(zeros.length).toBe(inputOf(1).length);
  });

  it("survives one wrong share, and says whose secret does not fit when there are more", () => {
    const lying = (liars: readonly string[]) =>
      outcome(
        rehearse(testTerms, devicesOf(6), {
          toCoordinator: (id, answer) =>
            liars.includes(id) && answer.kind === "reveal"
              ? { ...answer, bytes: answer.bytes.map((byte, i) => (i % 33 === 5 ? byte ^ 1 : byte)) }
              : answer,
        }),
        adapter,
      );
    expect(lying(["p2"]).kind).toBe("adapter");
    expect(lying(["p1", "p2"])).toMatchObject({
      kind: "over",
      message: expect.stringContaining("do not fit what it announced"),
    });
  });

  it("does without shares that were sealed wrongly", () => {
    const devices = devicesOf(6);
    const round = rehearse(testTerms, devices, {
      toDevice: (id, message) => {
        if (id !== "p3" || message.kind !== "sealed") return message;
        const bytes = message.bytes.slice();
        bytes[0]! ^= 1;
        return { ...message, bytes };
      },
    });
    const result = outcome(round, adapter);
    if (result.kind === "over") throw new Error(result.message);
    expect([...result.adapter]).toEqual([
      ...plainMean(devices, round.state as Extract<SecureRound, { kind: "reveals" }>),
    ]);
  });

  it("refuses keys of small order, which would put the others out", () => {
    const devices = devicesOf(3);
    const round = rehearse(testTerms, devices, {
      toCoordinator: (id, answer) => {
        if (id !== "p2" || answer.kind !== "keys") return answer;
        const fields = answer.bytes.slice(0, 4 * 32).fill(0, 32, 64);
        const signature = sign(advertised(testTerms, id, fields), devices[1]!.identity);
        return { ...answer, bytes: Uint8Array.of(...fields, ...signature) };
      },
    });
    expect(round.refusals).toContain("coordinator: keys of p2: one of them is no point of the curve");
  });

  it("refuses answers of the wrong length, from strangers, and twice", () => {
    const round = rehearse(testTerms, devicesOf(3), {
      toCoordinator: (id, answer) =>
        id === "p2" && answer.kind === "shares" ? { ...answer, bytes: answer.bytes.subarray(1) } : answer,
    });
    expect(round.refusals).toEqual(["coordinator: shares of p2: expected 160 bytes, got 159"]);
  });
});
