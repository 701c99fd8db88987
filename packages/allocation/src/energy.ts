/** Round energy of one device: fixed part, computation, radio. */
import type { LinearInKeepRate } from "./latency.ts";
import type { Device, OperatingPoint } from "./system.ts";

/** Joules besides the radio's, at an operating point: ξ + κ f² FLOP/φ. */
export function preparationJoules(device: Device, point: OperatingPoint): LinearInKeepRate {
  const joulesPerFlop = (point.energyCoefficient * point.frequencyHertz ** 2) / point.flopPerCycle;
  return {
    fixed: device.fixedEnergyJoules + joulesPerFlop * device.baseFlop,
    perKeepRate: joulesPerFlop * device.adapterFlop,
  };
}

/** Joules the amplifier draws to radiate `powerWatts` for `seconds`. */
export function radioJoules(powerWatts: number, seconds: number, amplifierEfficiency: number): number {
  return (powerWatts / amplifierEfficiency) * seconds;
}
