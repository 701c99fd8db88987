/** What a channel more or less is worth to a device that holds others, to first order. */
import type { KeepRateCost } from "./bound.ts";
import { type Multipliers, multipliersAt } from "./multipliers.ts";
import type { SeparableCosts } from "./objective.ts";
import type { RadioInstance, RankedChannels } from "./radio-instance.ts";
import { largestKeepRate, type RadioTask, wattsAllowed } from "./radio-task.ts";
import { reach } from "./upload-task.ts";

/** A device's cost on the curve as filled, and its multipliers. Below the least keep rate the cost of exclusion is made
 *  convex: it falls linearly in s, so that a device without enough channels still wants more. The device must be one
 *  that the whole link admits. */
export function convexCostOnCurve(
  instance: RadioInstance,
  separable: SeparableCosts,
  device: number,
): { cost: number; multipliers: Multipliers } {
  const { curve, low } = instance;
  const ideal = separable.ideal[device] as number;
  let [s, bestTask] = [-1, undefined as RadioTask | undefined];
  for (const task of instance.tasks[device] as readonly RadioTask[]) {
    if (reach(task, low) < low) continue;
    const limit = largestKeepRate(curve, task, 0, ideal);
    if (limit > s) [s, bestTask] = [limit, task];
  }
  const task = bestTask as RadioTask;
  const cost = separable.costs[device] as KeepRateCost;
  if (s >= ideal) return { cost: cost.at(ideal), multipliers: { ratePrice: 0, powerPrice: 0 } };
  curve.pour(wattsAllowed(task, s));
  if (s >= low) return { cost: cost.at(s), multipliers: multipliersAt(curve, task, s, cost.slope(s)) };
  const out = separable.excluded[device] as number;
  const slope = (cost.at(low) - out) / low;
  return { cost: out + slope * s, multipliers: multipliersAt(curve, task, s, slope) };
}

/** values[device·M + m] = max over p of ν W log₂(1 + p·a_m) − θ p, for every channel. */
export function fillValues(
  instance: RadioInstance,
  device: number,
  { ratePrice, powerPrice }: Multipliers,
  values: Float64Array,
): void {
  const { channels, link } = instance;
  const { order, inverseGain, log2Gain } = instance.ranked[device] as RankedChannels;
  values.fill(0, device * channels, (device + 1) * channels);
  if (ratePrice === 0) return;
  const scale = ratePrice * link.subChannelHertz;
  const level = scale / (powerPrice * Math.LN2);
  const log2Level = Math.log2(level);
  for (let i = 0; i < channels && level > (inverseGain[i] as number); i++) {
    const bits = log2Level + (log2Gain[i] as number);
    values[device * channels + (order[i] as number)] =
      scale * bits - powerPrice * (level - (inverseGain[i] as number));
  }
}
