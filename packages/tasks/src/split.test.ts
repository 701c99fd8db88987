import type { Sample } from "@fedlodrop/run";
import { createRandom, type Random } from "@fedlodrop/run";
import { expect, test } from "vitest";
import { drawDirichlet } from "./dirichlet.ts";
import { type SplitOptions, splitAmongDevices } from "./split.ts";
import type { DeviceSplit, SplitRule, TextGroup } from "./task.ts";

const RULES: readonly SplitRule[] = [
  { kind: "natural" },
  { kind: "iid" },
  { kind: "dirichlet", alpha: 0.1 },
  { kind: "dirichlet", alpha: 100 },
];

function randomGroups(random: Random, labelled: boolean): TextGroup[] {
  return Array.from({ length: 1 + random.below(6) }, (_, group) => ({
    name: `group ${group}`,
    train: Array.from({ length: 1 + random.below(40) }, (_, index) => ({
      text: `${group}/${index} ${"x".repeat(random.below(50))}`,
      ...(labelled && { label: random.below(3) }),
    })),
    heldOut: [],
  }));
}

function split(groups: readonly TextGroup[], options: Partial<SplitOptions>): DeviceSplit[] {
  return splitAmongDevices(groups, { devices: 4, rule: { kind: "iid" }, seed: "s", limit: null, ...options });
}

const textsOf = (parts: readonly { train: readonly Sample[] }[]) =>
  parts.flatMap(({ train }) => train.map(({ text }) => text));

test("parts are disjoint, complete, never empty and the same for one seed, under every rule", () => {
  const random = createRandom("split property");
  for (let trial = 0; trial < 120; trial++) {
    const groups = randomGroups(random, trial % 2 === 0);
    const total = textsOf(groups).length;
    const devices = 1 + random.below(Math.min(total, 12));
    for (const rule of RULES) {
      const parts = split(groups, { devices, rule, seed: `${trial}` });
      expect(parts).toHaveLength(devices);
      expect(parts.every(({ train }) => train.length > 0)).toBe(true);
      const texts = textsOf(parts);
      expect(new Set(texts).size).toBe(texts.length);
      expect(new Set(parts.map(({ name }) => name)).size).toBe(devices);
      // A natural split over fewer devices than groups leaves whole groups out.
      if (rule.kind !== "natural" || devices >= groups.length) expect(texts.length).toBe(total);
      expect(split(groups, { devices, rule, seed: `${trial}` })).toEqual(parts);
    }
  }
});

test("another seed deals otherwise, but for natural parts without a limit", () => {
  const groups = randomGroups(createRandom("other seed"), true);
  for (const rule of RULES) {
    const same =
      JSON.stringify(split(groups, { rule, seed: "1" })) ===
      JSON.stringify(split(groups, { rule, seed: "2" }));
    expect(same).toBe(rule.kind === "natural");
  }
});

test("natural: most text first; the biggest is halved in order, first parts before second ones", () => {
  const group = (name: string, texts: readonly string[]): TextGroup => ({
    name,
    train: texts.map((text) => ({ text })),
    heldOut: [],
  });
  const groups = [group("small", ["a"]), group("big", ["b1", "b2", "b3", "b4"]), group("mid", ["m1", "m2"])];
  const natural = (devices: number) =>
    split(groups, { devices, rule: { kind: "natural" } }).map(({ name, train }) => [
      name,
      ...textsOf([{ train }]),
    ]);
  expect(natural(2)).toEqual([
    ["big", "b1", "b2", "b3", "b4"],
    ["mid", "m1", "m2"],
  ]);
  expect(natural(5)).toEqual([
    ["big, part 1", "b1"],
    ["mid", "m1", "m2"],
    ["small", "a"],
    ["big, part 2", "b2"],
    ["big, part 3", "b3", "b4"],
  ]);
  expect(() => natural(8)).toThrow("split: expected a text per device, got 7 for 8 devices");
  expect(() => natural(0)).toThrow("split: expected 1 device or more, got 0");
});

test("natural: where all take part, groups come in their turn, and most text decides among equals", () => {
  const group = (name: string, texts: number, turn?: number): TextGroup => ({
    name,
    train: Array.from({ length: texts }, (_, k) => ({ text: `${name}${k}` })),
    heldOut: [],
    ...(turn !== undefined && { turn }),
  });
  const groups = [group("a", 4, 2), group("b", 3), group("c", 6), group("d", 2, -1)];
  const natural = (devices: number) =>
    split(groups, { devices, rule: { kind: "natural" } }).map(({ name }) => name);
  expect(natural(4)).toEqual(["d", "c", "b", "a"]);
  expect(natural(6)).toEqual(["d", "c, part 1", "b", "a, part 1", "c, part 2", "a, part 2"]);
  expect(natural(2)).toEqual(["c", "a"]);
});

test("a limit in samples keeps a random subset, one in characters a stretch", () => {
  const train = Array.from({ length: 50 }, (_, index) => ({ text: `${index}`.padStart(10, "0") }));
  const groups = [{ name: "g", train, heldOut: [] }];
  const options = { devices: 1, rule: { kind: "natural" } } as const;

  const subset = textsOf(split(groups, { ...options, limit: { kind: "samples", count: 7 } })).map(Number);
  expect(subset).toHaveLength(7);
  expect([...subset].sort((a, b) => a - b)).toEqual(subset);

  const stretch = textsOf(split(groups, { ...options, limit: { kind: "characters", count: 35 } }));
  expect(stretch.join("")).toHaveLength(35);
  const first = Number(stretch[0]);
  expect(stretch.slice(0, 3).map(Number)).toEqual([first, (first + 1) % 50, (first + 2) % 50]);

  const all = split(groups, { ...options, limit: { kind: "samples", count: 500 } });
  expect(textsOf(all)).toHaveLength(50);
});

test("dirichlet: small α gives devices few labels, large α gives all the same mix", () => {
  const train = Array.from({ length: 600 }, (_, index) => ({ text: `${index}`, label: index % 3 }));
  const largestShare = (alpha: number) => {
    const parts = split([{ name: "g", train, heldOut: [] }], {
      devices: 6,
      rule: { kind: "dirichlet", alpha },
    });
    const shares = parts.map((part) =>
      Math.max(
        ...[0, 1, 2].map((label) => part.train.filter((sample) => sample.label === label).length / 100),
      ),
    );
    return shares.reduce((a, b) => a + b, 0) / shares.length;
  };
  expect(largestShare(0.01)).toBeGreaterThan(0.75);
  expect(largestShare(1000)).toBeLessThan(0.45);
});

test("Dirichlet deviates have the mean 1/K and the variance (K−1)/(K²(Kα+1))", () => {
  const random = createRandom("dirichlet moments");
  for (const alpha of [0.3, 1, 5]) {
    const draws = Array.from({ length: 20_000 }, () => drawDirichlet(4, alpha, random));
    for (const draw of draws.slice(0, 50)) expect(draw.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
    const first = draws.map((draw) => draw[0] ?? 0);
    const mean = first.reduce((a, b) => a + b, 0) / first.length;
    const variance = first.reduce((a, b) => a + (b - mean) ** 2, 0) / first.length;
    // Standard errors at 20,000 draws are below 0.003 and 2 %.
    expect(mean).toBeCloseTo(0.25, 1.9);
    expect(variance / (3 / (16 * (4 * alpha + 1)))).toBeCloseTo(1, 1);
  }
  expect(drawDirichlet(3, 1e-9, random).toSorted()).toEqual([0, 0, 1]);
});
