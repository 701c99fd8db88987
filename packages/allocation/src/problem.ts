/**
 * The allocation problem: choose every device's dropout rate and its share of the link so that the bound J is
 * least, each device ends by the deadline and none spends more than its energy. Two links share one problem and one
 * answer: a radio cell of sub-channels, and a link known only by measured transfers.
 */
import { SOLVED_METHODS } from "@fedlodrop/run";
import { preparationJoules } from "./energy.ts";
import { type LinearInKeepRate, preparationSeconds } from "./latency.ts";
import type { Device, Objective, RadioSystem } from "./system.ts";

/** What a device's round costs before its upload, at one operating point. */
export interface Preparation {
  readonly seconds: LinearInKeepRate;
  readonly joules: LinearInKeepRate;
}

export interface DeviceLoad {
  readonly weight: number;
  readonly varianceCoefficient: number;
  /** One entry per operating point; at least one. */
  readonly preparations: readonly Preparation[];
  readonly uploadBits: LinearInKeepRate;
  readonly energyLimitJoules: number;
}

/** M sub-channels, each used by at most one device; power is poured over a device's own ones. */
export interface RadioLink {
  readonly kind: "radio";
  readonly subChannelHertz: number;
  /** a = |h|²/(Γ N₀ W) in 1/W, so that p watts carry W log₂(1 + p·a) bit/s: [K][M]. */
  readonly gainPerWatt: readonly (readonly number[])[];
  readonly maxTransmitPowerWatts: readonly number[];
  readonly amplifierEfficiency: readonly number[];
}

/** A link that is divided by pacing uploads. */
export interface MeasuredLink {
  readonly kind: "measured";
  /** What each device's own path carries when it has the link to itself: [K], bit/s. */
  readonly bitsPerSecond: readonly number[];
  /** What is shared: the coordinator's ingress, or air time (a device's share times its own rate). */
  readonly shared:
    | { readonly kind: "ingress"; readonly bitsPerSecond: number }
    | { readonly kind: "air-time" };
  /** Watts a device's radio draws while it sends: [K]. */
  readonly radioWatts: readonly number[];
  /** Equal slots the link is cut into, or null when any share can be given. */
  readonly slots: number | null;
}

export interface AllocationProblem {
  readonly id: string;
  readonly deadlineSeconds: number;
  readonly minDropoutRate: number;
  readonly maxDropoutRate: number;
  readonly objective: Objective;
  readonly devices: readonly DeviceLoad[];
  readonly link: RadioLink | MeasuredLink;
}

/** Why no share of the link could admit a device this round: preparing takes the whole deadline, or more than the
 *  energy, or else even the whole link cannot carry its smallest update. */
export interface Infeasibility {
  readonly cause: "compute" | "energy" | "link";
  /** Least deadline, all else equal, that would admit it at the highest dropout rate; null when none does. */
  readonly leastDeadlineSeconds: number | null;
  /** Least energy limit that would, likewise. */
  readonly leastEnergyJoules: number | null;
}

export type DeviceAllocation =
  | {
      readonly kind: "admitted";
      readonly dropoutRate: number;
      readonly operatingPoint: number;
      /** Sub-channels or slots held over all there are; on a link without slots the share itself. */
      readonly linkShare: number;
      /** Rate to pace the upload to: all its bits in `uploadSeconds`. */
      readonly uploadBitsPerSecond: number;
      readonly uploadSeconds: number;
      readonly latencySeconds: number;
      readonly transmitPowerWatts: number;
      readonly energyJoules: number;
    }
  | {
      readonly kind: "excluded";
      /** Null when it could take part alone but the others are worth more. */
      readonly infeasibility: Infeasibility | null;
    };

/** How far the incumbent and the bound were at some time. */
export interface TracePoint {
  readonly milliseconds: number;
  readonly objective: number;
  readonly lowerBound: number;
}

export interface Allocation {
  readonly method: Method;
  /** J of this allocation. */
  readonly objective: number;
  /** No allocation has a lower J. */
  readonly lowerBound: number;
  /** (objective − lowerBound) / |objective|. */
  readonly gap: number;
  /** The gap is within the tolerance asked for. */
  readonly certified: boolean;
  readonly devices: readonly DeviceAllocation[];
  /** Device of each sub-channel or slot, null where unused; empty on a link without slots. */
  readonly owner: readonly (number | null)[];
  /** Watts on each sub-channel; empty on a measured link. */
  readonly subChannelWatts: readonly number[];
  readonly nodes: number;
  readonly milliseconds: number;
  readonly trace: readonly TracePoint[];
}

/** Those of a run, the best first, and others to compare them with; a name that both have means the same. */
export const methods = [
  ...SOLVED_METHODS.toReversed(),
  "equal-optimal-dropout",
  "half-dropout",
  "no-dropout",
  "random-owners",
  "max-gain",
] as const;
export type Method = (typeof methods)[number];

export interface SolveOptions {
  /** Stop when the gap is within this; 1e-4 when not given. */
  readonly relativeTolerance?: number;
  /** Branch and bound gives the best found by then; no limit when not given. Others need little. */
  readonly timeBudgetMilliseconds?: number;
  /** Milliseconds of any monotone clock. Read only for the budget, `milliseconds` and `trace`, so that without a
   *  budget the answer does not depend on it; time stands still when not given. */
  readonly now?: () => number;
  /** Seed of `random-owners`; 1 when not given. */
  readonly seed?: number;
  /** Owners to start from, as an earlier round's `owner`. */
  readonly warmStart?: readonly (number | null)[];
}

/** Every solver answers every valid problem: devices that cannot take part are excluded with the cause. */
export type Solver = (problem: AllocationProblem, options?: SolveOptions) => Allocation;

export const deviceLoad = (device: Device): DeviceLoad => ({
  weight: device.weight,
  varianceCoefficient: device.varianceCoefficient,
  preparations: device.operatingPoints.map((point) => ({
    seconds: preparationSeconds(device, point),
    joules: preparationJoules(device, point),
  })),
  uploadBits: { fixed: device.uploadFixedBits, perKeepRate: device.uploadBitsPerKeepRate },
  energyLimitJoules: device.energyLimitJoules,
});

/** The problem a radio system poses. */
export function radioProblem(system: RadioSystem): AllocationProblem {
  const noiseWatts = system.snrGap * system.noiseWattsPerHertz * system.subChannelHertz;
  return {
    id: system.id,
    deadlineSeconds: system.deadlineSeconds,
    minDropoutRate: system.minDropoutRate,
    maxDropoutRate: system.maxDropoutRate,
    objective: system.objective,
    devices: system.devices.map(deviceLoad),
    link: {
      kind: "radio",
      subChannelHertz: system.subChannelHertz,
      gainPerWatt: system.channelGain.map((row) => row.map((gain) => gain / noiseWatts)),
      maxTransmitPowerWatts: system.devices.map((device) => device.maxTransmitPowerWatts),
      amplifierEfficiency: system.devices.map((device) => device.amplifierEfficiency),
    },
  };
}
