/**
 * Continuous bandwidth (FDMA, as in Federated Dropout, arXiv 2501.00379) with transmit power in proportion to bandwidth.
 * At one power density the rate is linear in bandwidth, b log₂(1 + p|h|²/(Γ N₀)), and an upload's energy does not depend on
 * b: less of the band is less power for longer. So it is the measured link with shared air time, solved exactly as that.
 */
import { type AllocationProblem, deviceLoad, type MeasuredLink } from "./problem.ts";
import type { RadioSystem } from "./system.ts";

export interface FdmaCell {
  readonly bandwidthHertz: number;
  /** p: what every device transmits, W/Hz. */
  readonly powerWattsPerHertz: number;
  readonly noiseWattsPerHertz: number;
  /** Γ, linear. */
  readonly snrGap: number;
  /** η: [K]. */
  readonly amplifierEfficiency: readonly number[];
  /** |h_k|², flat over the band: [K]. */
  readonly gain: readonly number[];
}

export function fdmaLink(cell: FdmaCell): MeasuredLink {
  const { bandwidthHertz, powerWattsPerHertz, noiseWattsPerHertz, snrGap, amplifierEfficiency, gain } = cell;
  return {
    kind: "measured",
    bitsPerSecond: gain.map(
      (own) => bandwidthHertz * Math.log2(1 + (powerWattsPerHertz * own) / (snrGap * noiseWattsPerHertz)),
    ),
    shared: { kind: "air-time" },
    radioWatts: amplifierEfficiency.map((own) => (bandwidthHertz * powerWattsPerHertz) / own),
    slots: null,
  };
}

/** The problem of devices that share such a band. What an amplifier could do at most isn't asked: density times band is what
 *  it does. */
export function fdmaProblem(
  system: Omit<RadioSystem, "subChannelHertz" | "channelGain" | "noiseWattsPerHertz" | "snrGap">,
  cell: FdmaCell,
): AllocationProblem {
  return {
    id: system.id,
    deadlineSeconds: system.deadlineSeconds,
    minDropoutRate: system.minDropoutRate,
    maxDropoutRate: system.maxDropoutRate,
    objective: system.objective,
    devices: system.devices.map(deviceLoad),
    link: fdmaLink(cell),
  };
}
