/** An upload over radio sub-channels: the largest keep rate that a capacity curve carries. */
import type { AllocationProblem, RadioLink } from "./problem.ts";
import { reach, reachAtRate, taskBits, type UploadTask, uploadTask, windowSeconds } from "./upload-task.ts";
import type { CapacityCurve } from "./water-filling.ts";

export interface RadioTask extends UploadTask {
  readonly hertz: number;
  readonly maxWatts: number;
  readonly efficiency: number;
  /** d/ds of the watts that the energy allows, times windowSeconds²; 0 on mains. */
  readonly wattsPull: number;
}

/** The tasks of a device, one per operating point. */
export function radioTasks(
  problem: AllocationProblem,
  link: RadioLink,
  device: number,
  deadlineSeconds = problem.deadlineSeconds,
  energyLimitJoules = problem.devices[device]?.energyLimitJoules,
): RadioTask[] {
  const load = problem.devices[device];
  if (load === undefined)
    throw new Error(`radio task: expected a device below ${problem.devices.length}, got ${device}`);
  const efficiency = link.amplifierEfficiency[device] as number;
  return load.preparations.map((preparation) => {
    const task = uploadTask(load, preparation, deadlineSeconds, energyLimitJoules);
    const exchange = task.secondsPerKeepRate * task.fixedJoules - task.joulesPerKeepRate * task.fixedSeconds;
    return {
      ...task,
      hertz: link.subChannelHertz,
      maxWatts: link.maxTransmitPowerWatts[device] as number,
      efficiency,
      wattsPull: task.fixedJoules === Number.POSITIVE_INFINITY ? 0 : efficiency * exchange,
    };
  });
}

/** Transmit watts that the energy allows over the whole window; Infinity on mains. */
export function wattsByEnergy(task: RadioTask, s: number): number {
  return (task.efficiency * (task.fixedJoules - task.joulesPerKeepRate * s)) / windowSeconds(task, s);
}

/** Transmit watts that amplifier and energy allow over the whole window. */
export function wattsAllowed(task: RadioTask, s: number): number {
  return Math.min(task.maxWatts, wattsByEnergy(task, s));
}

/** Largest s in [low, high] that the curve carries, 0 when low is too much; leaves the curve poured there.
 *
 *  With the amplifier at full power the answer has a closed form. Where the energy binds instead, the surplus
 *  f(s) = seconds·C(watts) − bits is concave (a perspective of the concave C, in affine functions of s) and falling, so
 *  Newton from the right of its root comes down to it monotonically. */
export function largestKeepRate(curve: CapacityCurve, task: RadioTask, low: number, high: number): number {
  if (curve.count === 0) return 0;
  let s = reach(task, high);
  if (s < low) return 0;
  s = Math.min(s, reachAtRate(task, task.hertz * curve.pour(task.maxWatts)));
  if (s < low) return 0;
  if (wattsByEnergy(task, s) >= task.maxWatts) return s;
  for (let i = 0; i < 60; i++) {
    const seconds = windowSeconds(task, s);
    const rate = task.hertz * curve.pour(Math.max(0, wattsByEnergy(task, s)));
    const surplus = seconds * rate - taskBits(task, s);
    if (surplus >= 0) return s;
    const ratePerWatt = task.hertz / (curve.waterLevel * Math.LN2);
    const slope =
      (ratePerWatt * task.wattsPull) / seconds - task.secondsPerKeepRate * rate - task.bitsPerKeepRate;
    const next = s - surplus / slope;
    if (next < low) return 0;
    // The next error is below rounding: step to the feasible side, which costs J less than 1e-12 of itself. Steps alone
    // would not tell, for with no power left the first ones are tiny.
    if (surplus > -1e-8 * taskBits(task, s) || next >= s) return Math.max(low, next * (1 - 1e-13));
    s = next;
  }
  return s;
}
