/** The rules, by name. A new one is a file, a line here and its name in `AGGREGATIONS`; the contract suite runs it too. */
import { leastEpsilon, MOST_SECURE_DEVICES } from "@fedlodrop/privacy";
import type { Aggregation, RunConfig } from "@fedlodrop/run";
import { beginMean } from "./exact-mean.ts";
import { beginKrum } from "./krum.ts";
import { beginMedian, beginTrimmedMean } from "./order-statistics.ts";
import type { UpdateRule } from "./update-rule.ts";

export const UPDATE_RULES: Readonly<Record<Aggregation, UpdateRule>> = {
  mean: { name: "mean", bounded: false, memory: "streaming", begin: beginMean },
  "clipped-mean": { name: "clipped-mean", bounded: true, memory: "streaming", begin: beginMean },
  "trimmed-mean": { name: "trimmed-mean", bounded: true, memory: "keeps-all", begin: beginTrimmedMean },
  median: { name: "median", bounded: true, memory: "keeps-all", begin: beginMedian },
  krum: { name: "krum", bounded: true, memory: "keeps-all", begin: beginKrum },
};

/** What a rule that keeps every update may hold of them. */
const MOST_KEPT_BYTES = 2 ** 30;

/** Why a run with these settings and an adapter of that size cannot use its rule, or null. */
export function ruleProblem(
  config: Pick<
    RunConfig,
    | "aggregation"
    | "compareWith"
    | "differentialPrivacy"
    | "evaluateOn"
    | "examplePrivacy"
    | "maxParticipants"
    | "quorum"
    | "secureAggregation"
  >,
  size: number,
): string | null {
  const { aggregation, compareWith, differentialPrivacy, examplePrivacy, maxParticipants } = config;
  for (const promise of [differentialPrivacy, examplePrivacy])
    if (promise !== null && promise.epsilon <= leastEpsilon(promise.delta))
      return `epsilon: expected more than ${leastEpsilon(promise.delta).toPrecision(2)} at δ = ${promise.delta}, got ${promise.epsilon}: no noise keeps less`;
  if (config.evaluateOn.kind === "devices" && config.examplePrivacy !== null)
    return "evaluateOn: expected the coordinator with a promise about single texts, of which a device's losses would tell";
  if (config.evaluateOn.kind === "devices" && compareWith !== null)
    return "evaluateOn: expected the coordinator in a comparison, for devices get its own arm's adapter alone";
  if (config.secureAggregation && compareWith !== null)
    return "compareWith: expected none with secure aggregation, whose masks are of one run's rounds";
  if (config.secureAggregation) return secureProblem(config);
  if (differentialPrivacy !== null && aggregation !== "mean")
    return (
      `aggregation: expected mean with differential privacy, got ${aggregation}, which looks at single updates: ` +
      "what that gives away is not accounted for"
    );
  if (differentialPrivacy !== null && compareWith !== null)
    return "compareWith: expected none with differential privacy, whose budget is that of one arm's rounds";
  return memoryProblem(aggregation, size, maxParticipants);
}

function secureProblem({
  aggregation,
  maxParticipants,
  quorum,
}: Pick<RunConfig, "aggregation" | "maxParticipants" | "quorum">): string | null {
  if (aggregation !== "mean")
    return `aggregation: expected mean with secure aggregation, got ${aggregation}, which looks at single updates: nobody sees them`;
  if (quorum < LEAST_LEFT)
    return `quorum: expected two thirds at least with secure aggregation, got ${quorum}: a sum of fewer cannot be unmasked`;
  if (maxParticipants > MOST_SECURE_DEVICES)
    return `participants: expected at most ${MOST_SECURE_DEVICES} with secure aggregation, got ${maxParticipants}`;
  return null;
}

/** Share of a round's devices that must last through it, as far as anybody types it. */
const LEAST_LEFT = 0.66;

function memoryProblem(name: Aggregation, size: number, participants: number): string | null {
  // A change and its place, four bytes each.
  const bytes = 8 * size * participants;
  if (UPDATE_RULES[name].memory === "streaming" || bytes <= MOST_KEPT_BYTES) return null;
  const megabytes = (of: number): number => Math.ceil(of / 1e6);
  return (
    `aggregation: ${name} keeps every update until the round closes, which takes ${megabytes(bytes)} MB for ` +
    `${participants} participants; expected at most ${megabytes(MOST_KEPT_BYTES)} MB: take clipped-mean, or fewer participants`
  );
}
