/**
 * What is left for a device's upload once it has prepared at an operating point: a time window and an energy that
 * both shrink as the keep rate s grows, while the bits grow. An upload that lasts its whole window needs the least
 * power. Hence s is feasible iff the link carries bits(s)/seconds(s) at what joules(s) allows, and the feasible s
 * form an interval: less s means fewer bits, more time and no less energy.
 */
import type { AllocationProblem, DeviceLoad, Preparation } from "./problem.ts";

/** seconds(s) = fixedSeconds − secondsPerKeepRate·s, joules(s) likewise, bits(s) = fixedBits + bitsPerKeepRate·s. */
export interface UploadTask {
  readonly fixedSeconds: number;
  readonly secondsPerKeepRate: number;
  readonly fixedJoules: number;
  readonly joulesPerKeepRate: number;
  readonly fixedBits: number;
  readonly bitsPerKeepRate: number;
}

export function uploadTask(
  load: DeviceLoad,
  preparation: Preparation,
  deadlineSeconds: number,
  energyLimitJoules = load.energyLimitJoules,
): UploadTask {
  return {
    fixedSeconds: deadlineSeconds - preparation.seconds.fixed,
    secondsPerKeepRate: preparation.seconds.perKeepRate,
    fixedJoules: energyLimitJoules - preparation.joules.fixed,
    joulesPerKeepRate: preparation.joules.perKeepRate,
    fixedBits: load.uploadBits.fixed,
    bitsPerKeepRate: load.uploadBits.perKeepRate,
  };
}

export function windowSeconds(task: UploadTask, s: number): number {
  return task.fixedSeconds - task.secondsPerKeepRate * s;
}

export function taskBits(task: UploadTask, s: number): number {
  return task.fixedBits + task.bitsPerKeepRate * s;
}

/** Bit/s that spread the upload over its whole window. */
export function rateNeeded(task: UploadTask, s: number): number {
  return taskBits(task, s) / windowSeconds(task, s);
}

/** Largest s ≤ high that leaves some time and energy; negative when none does. */
export function reach(task: UploadTask, high: number): number {
  // The margin keeps the window positive: a rate divides by it.
  const timely = limit(task.fixedSeconds * (1 - 1e-13), task.secondsPerKeepRate);
  return Math.min(high, timely > 0 ? timely : -1, limit(task.fixedJoules, task.joulesPerKeepRate));
}

/** Largest s whose bits fit the window at a steady rate; may be negative. */
export function reachAtRate(task: UploadTask, bitsPerSecond: number): number {
  const left = bitsPerSecond * task.fixedSeconds - task.fixedBits;
  return limit(left, task.bitsPerKeepRate + bitsPerSecond * task.secondsPerKeepRate);
}

/** Largest s that the energy pays for at a steady cost of a bit; may be negative. */
export function reachAtBitCost(task: UploadTask, joulesPerBit: number): number {
  const left = task.fixedJoules - joulesPerBit * task.fixedBits;
  return limit(left, task.joulesPerKeepRate + joulesPerBit * task.bitsPerKeepRate);
}

/** Largest s with slope·s ≤ left. */
function limit(left: number, slope: number): number {
  if (slope > 0) return left / slope;
  return left >= 0 ? Number.POSITIVE_INFINITY : -1;
}

/** Keep rates that dropout may take, [1 − γ_max, 1 − γ_min]. */
export function keepRateRange(problem: AllocationProblem): readonly [number, number] {
  return [1 - problem.maxDropoutRate, 1 - problem.minDropoutRate];
}
