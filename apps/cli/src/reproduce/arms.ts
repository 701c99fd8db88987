/** What is compared: each arm is a run's settings beyond the task's. */
import type { RunOverrides } from "@fedlodrop/run";

const fixed = (dropoutRate: number): RunOverrides => ({ method: "fixed", dropoutRate });

const ARM_SETTINGS = {
  "fixed 0": { method: "fedlora" },
  "fixed 0.1": fixed(0.1),
  "fixed 0.2": fixed(0.2),
  "fixed 0.3": fixed(0.3),
  "fixed 0.4": fixed(0.4),
  "fixed 0.5": fixed(0.5),
  "fixed 0.6": fixed(0.6),
  "fixed 0.7": fixed(0.7),
  "fixed 0.8": fixed(0.8),
  "fixed 0.9": fixed(0.9),
  random: { method: "random" },
  greedy: { method: "greedy" },
  equal: { method: "equal" },
  "p-sca": { method: "p-sca" },
  "branch-and-bound": { method: "branch-and-bound" },
  "branch-and-bound theorem": { method: "branch-and-bound", bound: "theorem" },
} as const satisfies Record<string, RunOverrides>;
export type ArmName = keyof typeof ARM_SETTINGS;
export const ARMS: Readonly<Record<ArmName, RunOverrides>> = ARM_SETTINGS;
