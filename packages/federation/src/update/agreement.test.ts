import { atOnce, createRandom } from "@fedlodrop/run";
import { expect, test } from "vitest";
import { agreementsOf as agreementsWith, createSketch, type Sketched, sketchSum } from "./agreement.ts";
import { createStandings } from "./standing.ts";

const SIZE = 60_000;
const agreementsOf = (updates: ReadonlyMap<string, Sketched>) =>
  agreementsWith(updates, atOnce(sketchSum(updates.values())));
/** Devices that share a direction hidden in noise: a cosine of 0.03 to each other. */
function updates(count: number, hostile: number) {
  const common = Float32Array.from({ length: SIZE }, noise("common"));
  return Array.from({ length: count }, (_, k) => {
    const own = noise(`p${k}`);
    const sign = k < hostile ? -1 : 1;
    const indices = Uint32Array.from({ length: SIZE }, (_, i) => i).filter((i) => (i * 7 + k) % 10 > 2);
    const changes = Float32Array.from(indices, (i) => sign * (0.18 * (common[i] as number) + own()));
    return { indices, changes };
  });
}
function noise(seed: string): () => number {
  const random = createRandom("agreement", seed);
  return () => random.normal();
}

function agreements(count: number, hostile: number): readonly number[] {
  const sketch = atOnce(createSketch(SIZE));
  const sketched = updates(count, hostile).map(
    (update, k) => [`p${k}`, { sketch: atOnce(sketch(update, 1)), counts: true }] as const,
  );
  return [...atOnce(agreementsOf(new Map(sketched))).values()].map(Number);
}

test("a sketch keeps cosines to within chance", () => {
  const sketch = atOnce(createSketch(SIZE));
  const [a, b] = updates(2, 0).map((update) => atOnce(sketch(update, 1))) as [Float64Array, Float64Array];
  const dot = (x: Float64Array, y: Float64Array) =>
    x.reduce((sum, value, i) => sum + value * (y[i] as number), 0);
  const cosine = dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  // The true one: 0.18² / (1 + 0.18²) over the 40 % of coordinates in both, of 70 % each.
  expect(Math.abs(cosine - (0.0314 * 0.4) / 0.7)).toBeLessThan(4 / Math.sqrt(2 ** 14));
});

test("honest updates agree with the rest though none resembles another, and one that undoes training does not", () => {
  expect(agreements(10, 0).every((agreement) => agreement > 3)).toBe(true);
  const withHostile = agreements(10, 2);
  expect(withHostile.slice(0, 2).every((agreement) => agreement < -3)).toBe(true);
  expect(withHostile.slice(2).every((agreement) => agreement > 0)).toBe(true);
});

test("a small adapter is its own sketch", () => {
  const sketch = atOnce(createSketch(5));
  const update = { indices: Uint32Array.of(1, 4), changes: Float32Array.of(2, -3) };
  expect([...atOnce(sketch(update, 0.5))]).toEqual([0, 1, 0, 0, -1.5]);
});

test("there is no agreement without others, with those who are left out, or with nothing", () => {
  const one = Float64Array.of(1, 2);
  expect([...atOnce(agreementsOf(new Map([["a", { sketch: one, counts: true }]])))]).toEqual([["a", null]]);
  const both = atOnce(
    agreementsOf(
      new Map([
        ["a", { sketch: one, counts: true }],
        ["b", { sketch: Float64Array.of(-1, -2), counts: false }],
        ["c", { sketch: new Float64Array(2), counts: true }],
      ]),
    ),
  );
  // Only b has somebody to be compared with: a.
  expect([both.get("a"), both.get("c")]).toEqual([null, null]);
  expect(both.get("b")).toBeCloseTo(-Math.SQRT2, 12);
});

const round = (...agreements: readonly (number | null)[]) =>
  new Map(agreements.map((agreement, k) => [`p${k}`, agreement]));

test("who goes against the others is left out, until it has made up for it", () => {
  const standings = createStandings();
  standings.note(round(-2.9, 5, 4, 6));
  expect(standings.isLeftOut("p0")).toBe(false);
  standings.note(round(-2.9, 5, 4, 6));
  expect(["p0", "p1", "somebody new"].map(standings.isLeftOut)).toEqual([true, false, false]);
  standings.note(round(4, 5, 4, 6));
  expect(standings.isLeftOut("p0")).toBe(false);
});

test("a round without a common way says nothing about anybody", () => {
  const standings = createStandings();
  for (let i = 0; i < 50; i++) standings.note(round(-9, -1, 1, -2, null));
  expect(standings.isLeftOut("p0")).toBe(false);
});
