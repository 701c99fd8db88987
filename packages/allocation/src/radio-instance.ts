/** A radio problem laid out for solvers: tasks, channels ranked by gain, and scratch space for one curve. */
import type { AllocationProblem, RadioLink } from "./problem.ts";
import { largestKeepRate, type RadioTask, radioTasks } from "./radio-task.ts";
import { keepRateRange } from "./upload-task.ts";
import { CapacityCurve } from "./water-filling.ts";

/** A device's sub-channels in descending gain, with what water-filling needs of each. */
export interface RankedChannels {
  readonly order: Int32Array;
  readonly inverseGain: Float64Array;
  readonly log2Gain: Float64Array;
}

export function rankChannels(gains: readonly number[]): RankedChannels {
  const order = Int32Array.from(gains.keys());
  order.sort((a, b) => (gains[b] as number) - (gains[a] as number) || a - b);
  const sorted = Float64Array.from(order, (channel) => gains[channel] as number);
  return { order, inverseGain: sorted.map((gain) => 1 / gain), log2Gain: sorted.map(Math.log2) };
}

/** Puts into the curve the channels a predicate admits, whole. */
export function fillCurve(
  curve: CapacityCurve,
  ranked: RankedChannels,
  admits: (channel: number) => boolean,
): void {
  curve.clear();
  for (let i = 0; i < ranked.order.length; i++) {
    if (admits(ranked.order[i] as number)) {
      curve.add(1, ranked.inverseGain[i] as number, ranked.log2Gain[i] as number);
    }
  }
}

export interface RadioInstance {
  readonly problem: AllocationProblem;
  readonly link: RadioLink;
  readonly devices: number;
  readonly channels: number;
  /** Least and largest keep rate. */
  readonly low: number;
  readonly high: number;
  /** Per device, one task per operating point that leaves time and energy at the least keep rate. */
  readonly tasks: readonly (readonly RadioTask[])[];
  readonly ranked: readonly RankedChannels[];
  /** Scratch: filled and poured by whoever computes, meaningless between calls. */
  readonly curve: CapacityCurve;
}

export function radioInstance(problem: AllocationProblem, link: RadioLink): RadioInstance {
  const [low, high] = keepRateRange(problem);
  const channels = link.gainPerWatt[0]?.length ?? 0;
  return {
    problem,
    link,
    devices: problem.devices.length,
    channels,
    low,
    high,
    tasks: problem.devices.map((_, k) => radioTasks(problem, link, k)),
    ranked: link.gainPerWatt.map(rankChannels),
    curve: new CapacityCurve(channels),
  };
}

/** Largest keep rate on the curve as filled, over the device's operating points; 0 below `low`. */
export function bestLimit(instance: RadioInstance, device: number, low: number, high: number): number {
  let limit = 0;
  for (const task of instance.tasks[device] as readonly RadioTask[]) {
    limit = Math.max(limit, largestKeepRate(instance.curve, task, low, high));
  }
  return limit;
}
