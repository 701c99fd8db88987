/** A run over several processes: gateways that hold devices' connections, and an owner that has the run. */
import type { Flag, GivenFlags } from "./flags.ts";
import { oneOf } from "./flags.ts";
import type { DatabaseOptions } from "./kept-run.ts";
import { UsageError } from "./usage-error.ts";

export interface ClusterOptions {
  /** redis://HOST:PORT, over which they speak. */
  readonly redis: string;
  readonly role: (typeof ROLES)[number];
}

const ROLES = ["gateway", "owner", "both"] as const;

export const CLUSTER_FLAGS: readonly Flag[] = [
  {
    name: "redis",
    value: "URL",
    help: "with --postgres: several processes share the run, and speak over this Redis (redis://HOST; or FEDLODROP_REDIS)",
  },
  {
    name: "role",
    value: "ROLE",
    help: "with --redis: gateway holds devices' connections, owner has the run or stands by for it, both is both (both)",
  },
];

/** Undefined for a run in one process. */
export function clusterOf(
  given: GivenFlags,
  database: DatabaseOptions | undefined,
  environment: NodeJS.ProcessEnv = process.env,
): ClusterOptions | undefined {
  const fromEnvironment = database && environment.FEDLODROP_REDIS;
  const redis = (given.get("redis") as string | undefined) ?? (fromEnvironment || undefined);
  if (redis === undefined) {
    if (given.has("role"))
      throw new UsageError("--role is for a run over several processes: give --redis too");
    return undefined;
  }
  if (database === undefined) throw new UsageError("--redis is for a run in PostgreSQL: give --postgres too");
  return { redis, role: oneOf(given, "role", ROLES) ?? "both" };
}
