/** What is compared: each arm is a run's settings beyond the task's, and what it does otherwise than a run can. */
import type { RunOverrides } from "@fedlodrop/run";

/** What no run of the product does, and these federations do for comparison's sake. */
export type Variant =
  /** A is left as it was drawn (FFA-LoRA, arXiv 2403.12313). */
  | { readonly kind: "frozen-a" }
  /** What the mean of products is beyond the product of means goes into the base (FedEx-LoRA, arXiv 2410.09432). */
  | { readonly kind: "residual" }
  /** Inputs of A are dropped anew in each step, the same for a batch's tokens. */
  | { readonly kind: "input-dropout"; readonly rate: number }
  /** Every device trains for itself; losses are the devices' mean. */
  | { readonly kind: "alone" }
  /** One device has all texts and takes all devices' steps. */
  | { readonly kind: "pooled" }
  /** Each row and column is kept by a draw of its own. */
  | { readonly kind: "bernoulli" }
  /** Changes go up in eight bits; what rounding took is added to the next round's. */
  | { readonly kind: "int8" }
  /** Every coordinate's sum over those that kept it, over all devices and the chance of being kept. */
  | { readonly kind: "horvitz-thompson" };

export interface Arm extends RunOverrides {
  readonly variant?: Variant;
  /** The setting that an ablation changes, everything else being `ABLATED`'s; absent for a method. */
  readonly ablates?: string;
}

const fixed = (dropoutRate: number): RunOverrides => ({ method: "fixed", dropoutRate });

/** What ablations change one setting of. */
export const ABLATED = "fixed 0.5";

const ablation = (ablates: string, change: Omit<Arm, "ablates">) => ({ ...fixed(0.5), ...change, ablates });

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
  "FFA-LoRA": { method: "fedlora", variant: { kind: "frozen-a" } },
  "FedEx-LoRA": { method: "fedlora", variant: { kind: "residual" } },
  "input dropout 0.1": { method: "fedlora", variant: { kind: "input-dropout", rate: 0.1 } },
  "local only": { method: "fedlora", variant: { kind: "alone" } },
  centralised: { method: "fedlora", variant: { kind: "pooled" } },
  "no rescaling": ablation("rescaling", { training: { rescale: "none" } }),
  "f16 updates": ablation("updates", { valueType: "f16" }),
  "int8 updates": ablation("updates", { variant: { kind: "int8" } }),
  "plain mean": ablation("aggregation", { aggregation: "mean" }),
  "Horvitz-Thompson": ablation("aggregation", { variant: { kind: "horvitz-thompson" } }),
  "FedEx residual": ablation("aggregation", { variant: { kind: "residual" } }),
  "rank 2": ablation("rank", { rank: 2, alpha: 4 }),
  "rank 16": ablation("rank", { rank: 16, alpha: 32 }),
  "Bernoulli masks": ablation("masks", { variant: { kind: "bernoulli" } }),
  "2 local steps": ablation("local steps", { training: { localSteps: 2 } }),
  "16 local steps": ablation("local steps", { training: { localSteps: 16 } }),
  "Dirichlet 0.1": ablation("split", { split: { kind: "dirichlet", alpha: 0.1 } }),
  "Dirichlet 1": ablation("split", { split: { kind: "dirichlet", alpha: 1 } }),
} as const satisfies Record<string, Arm>;
export type ArmName = keyof typeof ARM_SETTINGS;
export const ARMS: Readonly<Record<ArmName, Arm>> = ARM_SETTINGS;

export const ablatedBy = (arm: string): string | null =>
  (Object.hasOwn(ARMS, arm) ? ARMS[arm as ArmName].ablates : undefined) ?? null;
