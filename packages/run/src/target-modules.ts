/** Matrices of a GPT-2 block that can carry an adapter, by their names in it. */
export const TARGET_MODULES = ["attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"] as const;
export type TargetModule = (typeof TARGET_MODULES)[number];
