/**
 * Prices of a device's rate (ν per bit/s) and power (θ per watt). For fixed channels the problem in the keep rate is
 * convex, so its multipliers price every channel the device does not hold, and bound every other choice from below.
 */
import type { KeepRateCost } from "./bound.ts";
import { type RadioTask, wattsAllowed, wattsByEnergy } from "./radio-task.ts";
import { rateNeeded, reach, windowSeconds } from "./upload-task.ts";
import type { CapacityCurve } from "./water-filling.ts";

export interface Multipliers {
  ratePrice: number;
  powerPrice: number;
}

/** Multipliers at keep rate s for a curve poured with the watts allowed at s, when the cost's slope there is `slope`:
 *  ν = −slope/(R' − θ̂ P'), θ = ν θ̂, θ̂ = dC/dP = W/(κ ln 2). */
export function multipliersAt(curve: CapacityCurve, task: RadioTask, s: number, slope: number): Multipliers {
  const seconds = windowSeconds(task, s);
  const ratePerWatt = task.hertz / (curve.waterLevel * Math.LN2);
  const energyBinds = wattsByEnergy(task, s) < task.maxWatts;
  const ratePull = task.bitsPerKeepRate * task.fixedSeconds + task.fixedBits * task.secondsPerKeepRate;
  const pull = ratePull - (energyBinds ? ratePerWatt * task.wattsPull : 0);
  const ratePrice = Math.max(0, (-slope * seconds * seconds) / pull);
  return { ratePrice, powerPrice: ratePrice * ratePerWatt };
}

/** Φ(s) + ν·rate needed(s) − θ·watts allowed(s). */
export function pricedCost(cost: KeepRateCost, task: RadioTask, price: Multipliers, s: number): number {
  return cost.at(s) + price.ratePrice * rateNeeded(task, s) - price.powerPrice * wattsAllowed(task, s);
}

/** The s in [low, high] of least priced cost, exactly; reach(task, high) must not be below low.
 *
 *  The extra slope is c/seconds(s)² with a constant c on either side of the s where amplifier and energy trade
 *  places: with c ≥ 0 that side is convex, with c < 0 it only falls. */
export function leastPricedRate(
  cost: KeepRateCost,
  task: RadioTask,
  price: Multipliers,
  low: number,
  high: number,
): number {
  const top = reach(task, high);
  const { ratePrice, powerPrice } = price;
  const amplifierPull =
    ratePrice * (task.bitsPerKeepRate * task.fixedSeconds + task.fixedBits * task.secondsPerKeepRate);
  const energyPull = amplifierPull - powerPrice * task.wattsPull;
  const least = (from: number, to: number, pull: number): number =>
    pull >= 0 ? cost.minimiser(from, to, pull, task.fixedSeconds, task.secondsPerKeepRate) : to;
  const lowPull = wattsByEnergy(task, low) < task.maxWatts ? energyPull : amplifierPull;
  const topPull = wattsByEnergy(task, top) < task.maxWatts ? energyPull : amplifierPull;
  if (lowPull === topPull) return least(low, top, lowPull);
  // efficiency·joules(s) = maxWatts·seconds(s), linear in s.
  const turn =
    (task.efficiency * task.fixedJoules - task.maxWatts * task.fixedSeconds) /
    (task.efficiency * task.joulesPerKeepRate - task.maxWatts * task.secondsPerKeepRate);
  const [before, after] = [least(low, turn, lowPull), least(turn, top, topPull)];
  return pricedCost(cost, task, price, before) <= pricedCost(cost, task, price, after) ? before : after;
}
