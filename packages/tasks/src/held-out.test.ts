import type { Sample } from "@fedlodrop/run";
import { expect, test } from "vitest";
import { chooseHeldOut, isHeldOut, withoutDuplicates } from "./held-out.ts";
import { assembleTask } from "./prepare.ts";
import type { TextGroup } from "./task.ts";
import { taskDefinition } from "./tasks/all.ts";

const samples = (name: string, count: number): Sample[] =>
  Array.from({ length: count }, (_, index) => ({ text: `${name} ${index}`, label: index % 2 }));

test("about one text in five is held out, by its content alone", () => {
  const texts = Array.from({ length: 5000 }, (_, index) => `text ${index}`);
  const share = texts.filter((text) => isHeldOut(text, 5)).length / texts.length;
  // Standard error 0.006.
  expect(share).toBeGreaterThan(0.18);
  expect(share).toBeLessThan(0.22);
  expect(texts.map((text) => isHeldOut(text, 5))).toEqual(texts.map((text) => isHeldOut(text, 5)));
});

test("a text that is held out anywhere is trained on nowhere", () => {
  const groups: TextGroup[] = [
    { name: "a", train: [{ text: "Same words!" }, { text: "only a" }], heldOut: [] },
    { name: "b", train: [{ text: "only  A." }, { text: "only b" }], heldOut: [{ text: "same   words" }] },
  ];
  expect(withoutDuplicates(groups)).toEqual([
    { name: "a", train: [{ text: "only a" }], heldOut: [] },
    { name: "b", train: [{ text: "only b" }], heldOut: [{ text: "same   words" }] },
  ]);
});

test("the held-out set takes equal shares, and what a short group lacks from the others", () => {
  const groups = [
    { name: "long", train: [], heldOut: samples("long", 100) },
    { name: "short", train: [], heldOut: samples("short", 4) },
    { name: "mid", train: [], heldOut: samples("mid", 50) },
  ];
  const chosen = chooseHeldOut(groups, { kind: "samples", count: 44 });
  const from = (name: string) => chosen.filter(({ text }) => text.startsWith(name)).length;
  expect([from("long"), from("short"), from("mid")]).toEqual([20, 4, 20]);
  expect(new Set(chosen).size).toBe(44);
  expect(chooseHeldOut(groups, { kind: "samples", count: 1000 })).toHaveLength(154);

  const characters = chooseHeldOut(groups, { kind: "characters", count: 300 });
  expect(characters.reduce((sum, { text }) => sum + text.length, 0)).toBe(300);
});

test("an assembled task holds out the same texts under every seed, and only of groups that take part", async () => {
  const groups: TextGroup[] = ["a", "b", "c"].map((name, index) => ({
    name,
    train: samples(`${name} train`, 30 - index),
    heldOut: samples(`${name} held out`, 20),
  }));
  const prepare = (seed: string) =>
    assembleTask(taskDefinition("spam"), groups, {
      devices: 2,
      rule: { kind: "natural" },
      seed,
      samplesPerDevice: 10,
      heldOutSamples: 16,
    });
  const task = await prepare("1");
  expect(task.devices.map(({ name, train }) => [name, train.length])).toEqual([
    ["a", 10],
    ["b", 10],
  ]);
  expect(task.heldOut).toHaveLength(16);
  expect(task.heldOut.some(({ text }) => text.startsWith("c"))).toBe(false);
  const other = await prepare("2");
  expect(other.heldOut).toEqual(task.heldOut);
  expect(other.devices).not.toEqual(task.devices);
});
