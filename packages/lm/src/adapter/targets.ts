/** Which matrices carry an adapter, by names as PEFT's `target_modules` has them: a module's whole name, or an end of it. */
import type { AdaptedModule } from "@fedlodrop/run";
import type { Architecture } from "../models/architecture.ts";
import { ALL_LINEAR } from "../models/parameters.ts";

type Targets = Pick<Architecture, "modules" | "defaultTargets">;

const isMeant = (target: string, name: string): boolean =>
  target === ALL_LINEAR || name === target || name.endsWith(`.${target}`);

/** The modules that a list of targets means, in block order; null means the model's default.
 *  @throws when one of them means none */
export function targetedModules(
  { modules, defaultTargets }: Targets,
  targets: readonly string[] | null,
): readonly AdaptedModule[] {
  const chosen = targets ?? defaultTargets;
  const unknown = chosen.find((target) => !modules.some(({ name }) => isMeant(target, name)));
  if (unknown !== undefined || chosen.length === 0)
    throw new Error(
      `adapter: expected target modules among ${[ALL_LINEAR, ...ends(modules)].join(", ")}, got ${unknown ?? "none"}`,
    );
  return modules.filter(({ name }) => chosen.some((target) => isMeant(target, name)));
}

/** A list of targets that means exactly these modules: ends of names where they do, else whole names. */
export function targetsOf(modules: readonly AdaptedModule[], chosen: readonly string[]): readonly string[] {
  const wanted = new Set(chosen);
  const short = ends(modules.filter(({ name }) => wanted.has(name)));
  const meant = modules.filter(({ name }) => short.some((target) => isMeant(target, name)));
  return meant.length === wanted.size ? short : chosen;
}

/** Shortest ends of names that tell the modules of a block apart, in their order: `c_attn`, `attn.c_proj`, `mlp.c_proj`. */
function ends(modules: readonly AdaptedModule[]): readonly string[] {
  const inBlock = [...new Set(modules.map(({ name }) => name.replace(/^.*\.\d+\./, "")))];
  return inBlock.map((name) => {
    const parts = name.split(".");
    const tails = parts.map((_, at) => parts.slice(parts.length - 1 - at).join("."));
    return tails.find((tail) => inBlock.filter((other) => isMeant(tail, other)).length === 1) ?? name;
  });
}
