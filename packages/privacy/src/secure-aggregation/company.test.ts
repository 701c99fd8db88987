import {
  adapterSize,
  atOnce,
  createRandom,
  drawDropoutMask,
  keptIndices,
  sampleWithoutReplacement,
} from "@fedlodrop/run";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  COVERS,
  coverUnits,
  isBetrayed,
  keepersOf,
  keepsUnit,
  keptUnits,
  leastCompany,
  unitsOfValues,
} from "./company.ts";
import {
  COMPLETE_UP_TO,
  circleOf,
  type DeviceGraph,
  drawGraph,
  lightDegree,
  survivorThreshold,
} from "./device-graph.ts";
import { testTerms } from "./rehearsal.fixture.ts";

/** Word by word what the definition says. */
function companyByHand(
  { neighbours }: DeviceGraph,
  kept: readonly (Uint32Array | null)[],
  unit: number,
): number {
  const keepers = kept.flatMap((own, device) => (own?.includes(unit) ? [device] : []));
  if (keepers.length === 0 || groupsOf(keepers, neighbours).length > 1) return 0;
  return Math.min(
    ...keepers.map((device) => [...neighbours[device]!].filter((other) => keepers.includes(other)).length),
  );
}

/** These devices by who masks with whom, through one another: whose sums can be told apart. */
function groupsOf(devices: readonly number[], neighbours: DeviceGraph["neighbours"]): number[][] {
  let groups = devices.map((device) => [device]);
  for (const device of devices) {
    const near = groups.filter((group) =>
      group.some((other) => other === device || neighbours[device]!.includes(other)),
    );
    groups = [...groups.filter((group) => !near.includes(group)), near.flat()];
  }
  return groups;
}

const anyKept = (devices: number, units: number) =>
  fc.array(fc.option(fc.subarray(Array.from({ length: units }, (_, u) => u)), { freq: 8 }), {
    minLength: devices,
    maxLength: devices,
  });

describe("company", () => {
  it("is what it is by hand, in complete graphs and light ones", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(2, 5, 31, 33, 40, 64, 130).chain((n) => fc.tuple(fc.constant(n), anyKept(n, 6))),
        fc.constantFrom(1, 4, 12),
        ([devices, some], spacing) => {
          const graph = drawGraph(devices, "s");
          // Thinned out, so that in light graphs keepers fall apart.
          const kept = some.map((own, k) => (k % spacing === 0 ? own && Uint32Array.from(own) : null));
          const keepers = keepersOf(6, kept);
          expect([...atOnce(leastCompany(graph, keepers))]).toEqual(
            [0, 1, 2, 3, 4, 5].map((unit) => companyByHand(graph, kept, unit)),
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  it("is none where keepers are two pairs with no mask between them: each pair's sum would show, under its own noise alone", () => {
    const graph = drawGraph(64, "s");
    const { neighbours } = graph;
    const [a, b] = [0, neighbours[0]![0]!];
    const c = Array.from(neighbours, (_, k) => k).find(
      (k) => k !== a && k !== b && !neighbours[a]!.includes(k) && !neighbours[b]!.includes(k),
    )!;
    const d = [...neighbours[c]!].find((k) => !neighbours[a]!.includes(k) && !neighbours[b]!.includes(k))!;
    const keptBy = (...devices: number[]) =>
      keepersOf(
        1,
        neighbours.map((_, k) => (devices.includes(k) ? Uint32Array.of(0) : null)),
      );
    const coverOf = (...devices: number[]) => COVERS[atOnce(coverUnits(graph, keptBy(...devices)))[0]!];
    expect(coverOf(a, b, c, d)).toBe("closed");
    expect(coverOf(a, b)).toBe("firm");
    const mendable = Uint8Array.of(COVERS.indexOf("mendable"));
    expect(isBetrayed(graph, mendable, keptBy(a, b, c, d))).toBe(true);
    expect(isBetrayed(graph, mendable, keptBy(a, b))).toBe(false);
  });

  it("is left by chance in light graphs when a third vanish", () => {
    for (const size of [33, 64, 130])
      for (const rate of [0.1, 0.3, 0.5, 0.7])
        for (let trial = 0; trial < 5; trial++) {
          const random = createRandom("kept", size, rate, trial);
          const graph = drawGraph(size, `g${trial}`);
          const kept = graph.neighbours.map(() =>
            Uint32Array.from({ length: 200 }, (_, unit) => unit).filter(() => random.uniform() >= rate),
          );
          const cover = atOnce(coverUnits(graph, keepersOf(200, kept)));
          const left = new Set(sampleWithoutReplacement(size, survivorThreshold(size), random));
          const survivors = kept.map((own, k) => (left.has(k) ? own : null));
          expect(isBetrayed(graph, cover, keepersOf(200, survivors))).toBe(false);
        }
  });

  it("is never lost in a mendable unit, whichever third vanishes", () => {
    fc.assert(
      fc.property(
        fc
          .integer({ min: 2, max: COMPLETE_UP_TO })
          .chain((n) =>
            fc.tuple(
              fc.constant(n),
              anyKept(n, 6),
              fc.shuffledSubarray(Array.from({ length: n }, (_, k) => k)),
            ),
          ),
        ([devices, some, order]) => {
          const graph = drawGraph(devices, "s");
          const kept = some.map((own) => own && Uint32Array.from(own));
          const cover = atOnce(coverUnits(graph, keepersOf(6, kept)));
          const gone = order.slice(0, devices - survivorThreshold(devices));
          const left = kept.map((own, k) => (gone.includes(k) ? null : own));
          expect(isBetrayed(graph, cover, keepersOf(6, left))).toBe(false);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("outlasts different words on who had shared: whoever vanishes by another list, a mask stays on", () => {
    const some = (n: number) => fc.shuffledSubarray(Array.from({ length: n }, (_, k) => k));
    fc.assert(
      fc.property(
        fc
          .integer({ min: 3, max: COMPLETE_UP_TO })
          .chain((n) =>
            fc.tuple(fc.constant(n), anyKept(n, 6), some(n), some(n), fc.integer({ min: 0, max: n - 1 })),
          ),
        ([devices, all, notTold, vanished, victim]) => {
          const graph = drawGraph(devices, "s");
          const bearable = devices - survivorThreshold(devices);
          const others = (out: readonly number[]) => out.filter((k) => k !== victim).slice(0, bearable);
          // What the victim was told, and whom two thirds have signed as left: lists that need not agree.
          const [missing, gone] = [others(notTold), others(vanished)];
          const kept = all.map((own) => Uint32Array.from(own ?? []));
          const senders = kept.map((own, k) => (missing.includes(k) ? null : own));
          const cover = atOnce(coverUnits(graph, keepersOf(6, senders)));
          for (const unit of kept[victim]!) {
            if (COVERS[cover[unit]!] !== "mendable") continue;
            const masksLeft = senders.filter(
              (own, k) => k !== victim && own?.includes(unit) && !gone.includes(k),
            );
            expect(masksLeft.length).toBeGreaterThan(0);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it("is missed when the survivors leave one device alone in a mendable unit", () => {
    const graph = drawGraph(6, "s");
    const all = Array.from({ length: 6 }, () => Uint32Array.of(0));
    const cover = atOnce(coverUnits(graph, keepersOf(1, all)));
    expect(COVERS[cover[0]!]).toBe("mendable");
    expect(
      isBetrayed(
        graph,
        cover,
        keepersOf(
          1,
          all.map((own, k) => (k === 0 ? own : null)),
        ),
      ),
    ).toBe(true);
    expect(
      isBetrayed(
        graph,
        cover,
        keepersOf(
          1,
          all.map((own, k) => (k < 2 ? own : null)),
        ),
      ),
    ).toBe(false);
    // Nobody left who kept it: nothing to betray.
    expect(
      isBetrayed(
        graph,
        cover,
        keepersOf(
          1,
          all.map(() => null),
        ),
      ),
    ).toBe(false);
  });

  it("closes units of one device, keeps thin ones firm, and mends the rest", () => {
    const graph = drawGraph(6, "s"); // two may vanish
    const kept = [[0, 1, 2, 3], [1, 2, 3], [2, 3], [3], [], []].map((units) => Uint32Array.from(units));
    expect([...atOnce(coverUnits(graph, keepersOf(5, kept)))].map((c) => COVERS[c])).toEqual([
      "closed",
      "firm",
      "firm",
      "mendable",
      "closed",
    ]);
  });
});

describe("units", () => {
  it("are the columns, rows and dense values that a mask keeps", () => {
    const { shape } = testTerms;
    const mask = drawDropoutMask(shape, { seed: "s", round: 1, participantId: "p1", dropoutRate: 0.5 });
    const units = keptUnits(shape, mask);
    const keepers = keepersOf(9 + 7 + 5 + 6 + 1, [units]);
    const of = unitsOfValues(shape);
    expect(of).toHaveLength(adapterSize(shape));
    const kept = [...of.keys()].filter((index) => keepsUnit(keepers, of[index]!, 0));
    expect(kept).toEqual([...keptIndices(shape, mask)]);
  });
});

describe("who masks with whom", () => {
  it("is everybody up to 32, then a ring whose circles are mutual", () => {
    expect(drawGraph(32, "s").neighbours.every((own) => own.length === 31)).toBe(true);
    for (const size of [33, 64, 101]) {
      const graph = drawGraph(size, "s");
      graph.neighbours.forEach((own, device) => {
        expect(own).toHaveLength(lightDegree(size));
        expect(new Set(own).size).toBe(own.length);
        expect(own).not.toContain(device);
        for (const other of own) expect(graph.neighbours[other]).toContain(device);
        expect(circleOf(graph, device)).toHaveLength(own.length + 1);
      });
    }
  });

  it("takes neighbours so that circles hold when a third vanishes, and more than half of one to give a secret away", () => {
    for (const size of [64, 200]) {
      for (let trial = 0; trial < 20; trial++) {
        const graph = drawGraph(size, `g${trial}`);
        expect(2 * graph.shareThreshold).toBeGreaterThan(graph.neighbours[0]!.length + 1);
        const left = sampleWithoutReplacement(size, survivorThreshold(size), createRandom("left", trial));
        for (let device = 0; device < size; device++) {
          const holding = circleOf(graph, device).filter((k) => left.includes(k)).length;
          expect(holding).toBeGreaterThanOrEqual(graph.shareThreshold);
        }
      }
    }
    expect([33, 64, 200, 500].map(lightDegree)).toEqual([30, 40, 86, 128]);
  }, 60_000);
});
