/** What the flags of a run, as they were given, say of its configuration. */
import {
  expectation,
  faultInWords,
  type RunConfig,
  type RunOverrides,
  resolveRunConfig,
  runOverridesSchema,
} from "@fedlodrop/run";
import type { GivenFlags } from "./flags.ts";
import { DEFAULT_PRIVACY, RUN_FLAGS } from "./run-flags.ts";
import { UsageError } from "./usage-error.ts";

/** Whether anything is said of the run. */
export const tellsOfRun = (given: GivenFlags): boolean => RUN_FLAGS.some(({ name }) => given.has(name));

/** Throws a UsageError that names the flag and the fault. */
export function readRunFlags(given: GivenFlags): RunOverrides {
  const tree: Record<string, unknown> = {};
  for (const { name, field, read } of RUN_FLAGS) {
    const text = given.get(name);
    if (text === undefined) continue;
    const [key, inner] = field.split(".") as [string, string?];
    const value = read(String(text));
    tree[key] = inner === undefined ? value : { ...(tree[key] as object), [inner]: value };
  }
  if (given.has("adapter"))
    for (const own of ["rank", "alpha"])
      if (given.has(own)) throw new UsageError(`--${own} is the adapter's own with --adapter: leave it out`);
  const privacy = tree.differentialPrivacy as object | undefined;
  if (privacy !== undefined) {
    if (!given.has("dp-epsilon")) throw new UsageError("--dp-delta and --dp-clip belong to --dp-epsilon");
    tree.differentialPrivacy = { ...DEFAULT_PRIVACY, ...privacy };
  }
  const ofExamples = tree.examplePrivacy as object | undefined;
  if (ofExamples !== undefined) {
    if (!given.has("dp-example-epsilon"))
      throw new UsageError("--dp-example-clip belongs to --dp-example-epsilon");
    tree.examplePrivacy = { ...DEFAULT_PRIVACY, ...ofExamples };
  }
  // Rules that look at single updates are refused with either: the default would be.
  if (privacy !== undefined || tree.secureAggregation === true) tree.aggregation ??= "mean";
  const parsed = runOverridesSchema.safeParse(tree);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const flag = RUN_FLAGS.find(({ field }) => field === issue?.path.join(".") || field === issue?.path[0]);
    throw new UsageError(
      flag && issue
        ? `--${flag.name}: expected ${flag.expected ?? expectation(issue)}, got "${given.get(flag.name)}"`
        : `run configuration: ${faultInWords(parsed.error)}`,
    );
  }
  if (given.has("dropout") && parsed.data.method !== undefined && parsed.data.method !== "fixed")
    throw new UsageError(`--dropout belongs to --method fixed; ${parsed.data.method} sets the rates itself`);
  return parsed.data;
}

/** The whole configuration from flags over `defaults` of the command. */
export function runConfigFromFlags(given: GivenFlags, defaults: RunOverrides): RunConfig {
  const overrides = readRunFlags(given);
  return resolveRunConfig({
    ...defaults,
    ...overrides,
    training: { ...defaults.training, ...overrides.training },
  });
}
