/**
 * What is physically there: one access point, M sub-channels of equal width, K devices that train and upload.
 * SI units throughout. Decibels and battery percentages stop at the user interface.
 */
import type { BoundConstants, ObjectiveMode } from "./bound.ts";

/** One frequency/voltage setting of a device's processor. */
export interface OperatingPoint {
  readonly frequencyHertz: number;
  readonly flopPerCycle: number;
  /** κ in J·s²/cycle: the processor draws κ f³ watts at f hertz. */
  readonly energyCoefficient: number;
}

export interface Device {
  readonly maxTransmitPowerWatts: number;
  /** η: radiated power over power drawn by the amplifier, in (0, 1]. */
  readonly amplifierEfficiency: number;
  /** Energy the device may spend in the round; Infinity on mains. */
  readonly energyLimitJoules: number;
  /** ξ: what the round costs whatever the keep rate (idle, reception, circuits). */
  readonly fixedEnergyJoules: number;
  readonly overheadSeconds: number;
  readonly downloadBitsPerSecond: number;
  readonly downloadFixedBits: number;
  readonly downloadBitsPerKeepRate: number;
  readonly uploadFixedBits: number;
  /** Upload bits at keep rate 1, less the fixed ones. Linear, because whole rows of B and columns of A are dropped. */
  readonly uploadBitsPerKeepRate: number;
  /** Work of the frozen base and, at keep rate 1, of the adapter. */
  readonly baseFlop: number;
  readonly adapterFlop: number;
  readonly operatingPoints: readonly OperatingPoint[];
  /** w: this device's share of all training examples. */
  readonly weight: number;
  /** A: how much the gradient variance that dropout adds costs the objective. */
  readonly varianceCoefficient: number;
}

/** What is minimised. */
export interface Objective {
  readonly mode: ObjectiveMode;
  /** ν of the variance factor s^−ν − 1. */
  readonly varianceExponent: number;
  readonly bound: BoundConstants;
  /** χ: an excluded device costs its most dropped state plus weight times this. */
  readonly exclusionPenalty: number;
}

/** A radio cell as measured or drawn, before any decision. */
export interface RadioSystem {
  readonly id: string;
  readonly subChannelHertz: number;
  /** T_max: download, training and upload end within it. */
  readonly deadlineSeconds: number;
  readonly noiseWattsPerHertz: number;
  /** Γ: how far practical coding stays from capacity, linear. */
  readonly snrGap: number;
  /** |h|² of device k on sub-channel m, linear: [K][M]. */
  readonly channelGain: readonly (readonly number[])[];
  readonly minDropoutRate: number;
  readonly maxDropoutRate: number;
  readonly objective: Objective;
  readonly devices: readonly Device[];
}
