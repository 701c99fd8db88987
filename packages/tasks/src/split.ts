/**
 * Deals training texts to devices. Every rule is a pure function of the groups and the seed; parts are disjoint, and
 * without a cap they are complete.
 * - natural: one group a device. With fewer devices than groups, those with most text take part; with more, the
 *   device with most text is halved, again and again. The first parts of all groups come before any second part, so
 *   that few devices of many have texts of different owners, and among them groups come in their turn.
 * - iid: all texts, shuffled and dealt evenly.
 * - dirichlet: each device draws its mixture of classes (labels, else groups) from a symmetric Dirichlet(α) and its
 *   texts by that mixture; a class that has run out leaves the mixture. Sizes stay even.
 *   Source: Hsu, Qi, Brown, "Measuring the effects of non-identical data distribution", 2019, section 3.1.
 */

import type { Sample } from "@fedlodrop/run";
import { createRandom, type Random, sampleWithoutReplacement, shuffled } from "@fedlodrop/run";
import { drawDirichlet } from "./dirichlet.ts";
import type { DeviceSplit, SplitRule, TextGroup } from "./task.ts";

export interface SplitOptions {
  readonly devices: number;
  readonly rule: SplitRule;
  /** The run's seed: decides who holds which training text, never what is held out. */
  readonly seed: string;
  /** What a device keeps at most; null is everything dealt to it. */
  readonly limit: SampleLimit | null;
}

/** Classification counts samples. A language model counts characters, because its samples are of any length. */
export type SampleLimit = { readonly kind: "samples" | "characters"; readonly count: number };

/** Throws when there are fewer texts than devices. */
export function splitAmongDevices(groups: readonly TextGroup[], options: SplitOptions): DeviceSplit[] {
  const { devices, rule, seed, limit } = options;
  if (!(Number.isInteger(devices) && devices >= 1))
    throw new Error(`split: expected 1 device or more, got ${devices}`);
  const available = groups.reduce((sum, group) => sum + group.train.length, 0);
  if (available < devices)
    throw new Error(`split: expected a text per device, got ${available} for ${devices} devices`);

  return dealAll(groups, devices, rule, seed).map((device, index) => ({
    ...device,
    train: limit
      ? withinLimit(device.train, limit, createRandom(seed, "device samples", index))
      : device.train,
  }));
}

/** The groups whose texts a split uses: all of them, but for a natural split over fewer devices than groups; a natural
 *  split deals them in this order. */
export function groupsInPlay(groups: readonly TextGroup[], devices: number, rule: SplitRule): TextGroup[] {
  const withText = groups.filter((group) => group.train.length > 0);
  if (rule.kind !== "natural") return withText;
  const mostFirst = byTextLength(withText);
  return devices < mostFirst.length
    ? mostFirst.slice(0, devices)
    : mostFirst.sort((a, b) => (a.turn ?? 0) - (b.turn ?? 0));
}

function dealAll(
  groups: readonly TextGroup[],
  devices: number,
  rule: SplitRule,
  seed: string,
): DeviceSplit[] {
  const random = createRandom(seed, "split", rule.kind);
  switch (rule.kind) {
    case "natural":
      return halveUntil(groupsInPlay(groups, devices, rule), devices);
    case "iid": {
      const samples = shuffled(
        groups.flatMap((group) => group.train),
        random,
      );
      let start = 0;
      return evenSizes(samples.length, devices).map((size, index) => {
        const train = samples.slice(start, start + size);
        start += size;
        return { name: `Device ${index + 1}`, owner: null, train };
      });
    }
    case "dirichlet":
      return dealByMixture(classesOf(groups, random), devices, rule.alpha, random);
    default:
      return rule satisfies never;
  }
}

/** A random subset in its old order, or a stretch of consecutive texts (wrapping round) from a random one on. */
function withinLimit(train: readonly Sample[], limit: SampleLimit, random: Random): readonly Sample[] {
  if (limit.kind === "characters") {
    const start = random.below(train.length);
    return upToCharacters([...train.slice(start), ...train.slice(0, start)], limit.count);
  }
  if (train.length <= limit.count) return train;
  return Array.from(
    sampleWithoutReplacement(train.length, limit.count, random),
    (index) => train[index] as Sample,
  );
}

/** The first samples of `count` characters in all, the last one shortened if need be. */
export function upToCharacters(samples: readonly Sample[], count: number): Sample[] {
  const kept: Sample[] = [];
  let rest = count;
  for (const sample of samples) {
    if (rest <= 0) break;
    kept.push(sample.text.length <= rest ? sample : { ...sample, text: sample.text.slice(0, rest) });
    rest -= sample.text.length;
  }
  return kept;
}

type Named = Pick<DeviceSplit, "name" | "train">;

function textLength(device: Named): number {
  return device.train.reduce((sum, sample) => sum + sample.text.length, 0);
}

/** Most text first; a tie goes to the name that sorts first. */
function byTextLength<T extends Named>(devices: readonly T[]): T[] {
  return devices
    .map((device) => ({ device, length: textLength(device) }))
    .sort((a, b) => b.length - a.length || (a.device.name < b.device.name ? -1 : 1))
    .map(({ device }) => device);
}

/** Halves keep the order of the texts, so they differ by date where a group is sorted by date. */
function halveUntil(groups: readonly Named[], devices: number): DeviceSplit[] {
  const halved: Named[] = groups.map(({ name, train }) => ({ name, train }));
  while (halved.length < devices) {
    const biggest = byTextLength(halved.filter((device) => device.train.length > 1))[0] as Named;
    const middle = Math.ceil(biggest.train.length / 2);
    halved.splice(
      halved.indexOf(biggest),
      1,
      { name: biggest.name, train: biggest.train.slice(0, middle) },
      { name: biggest.name, train: biggest.train.slice(middle) },
    );
  }
  return firstPartsFirst(halved);
}

/** "Reagan", "Reagan" → "Reagan, part 1", "Reagan, part 2", the latter after all others' first parts. */
function firstPartsFirst(devices: readonly Named[]): DeviceSplit[] {
  return devices
    .map(({ name, train }, index) => {
      const namesakes = devices.filter((other) => other.name === name).length;
      const part = devices.slice(0, index + 1).filter((other) => other.name === name).length;
      return { name: namesakes === 1 ? name : `${name}, part ${part}`, owner: name, train, part };
    })
    .sort((a, b) => a.part - b.part)
    .map(({ part: _, ...device }) => device);
}

/** Sizes that differ by at most one and sum to `total`. */
function evenSizes(total: number, devices: number): number[] {
  return Array.from(
    { length: devices },
    (_, index) => Math.floor(((index + 1) * total) / devices) - Math.floor((index * total) / devices),
  );
}

/** Shuffled samples by label where there are labels, else by group. */
function classesOf(groups: readonly TextGroup[], random: Random): Sample[][] {
  const classes = new Map<string | number, Sample[]>();
  for (const group of groups)
    for (const sample of group.train) {
      const key = sample.label ?? group.name;
      const members = classes.get(key);
      if (members) members.push(sample);
      else classes.set(key, [sample]);
    }
  return [...classes.values()].map((samples) => shuffled(samples, random));
}

function dealByMixture(classes: Sample[][], devices: number, alpha: number, random: Random): DeviceSplit[] {
  const total = classes.reduce((sum, samples) => sum + samples.length, 0);
  return evenSizes(total, devices).map((size, index) => {
    const mixture = drawDirichlet(classes.length, alpha, random);
    const train: Sample[] = [];
    while (train.length < size) {
      const samples = classes[drawClass(mixture, classes, random)];
      train.push(samples?.pop() as Sample);
    }
    return { name: `Device ${index + 1}`, owner: null, train };
  });
}

/** Index of a class that still has samples, in proportion to the mixture. */
function drawClass(mixture: readonly number[], classes: readonly Sample[][], random: Random): number {
  const weights = classes.map((samples, index) => (samples.length > 0 ? (mixture[index] ?? 0) : 0));
  const sum = weights.reduce((a, b) => a + b, 0);
  // Small α can leave all weight on classes that ran out; then the first that has samples is taken.
  let rest = random.uniform() * sum;
  const drawn = weights.findIndex((weight) => {
    rest -= weight;
    return weight > 0 && rest < 0;
  });
  return drawn >= 0 ? drawn : classes.findIndex((samples) => samples.length > 0);
}
