/** What a participant has given to a run: sums over its rounds, counted the same way by the coordinator and by its own page. */
import { type Turn, turnSchema, type ValueType } from "@fedlodrop/run";
import { z } from "zod";
import type { RoundClosed } from "./messages.ts";
import { payloadBytes } from "./sparse-values.ts";

const count = z.int().min(0);
/** JSON writes what is not finite as null: a stored run must open all the same. */
const share = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN);

export const givenSchema = z.object({
  /** Rounds whose model has its work in it. */
  roundsUsed: count,
  /** Sum over these of its share of the round's weight. */
  contribution: share,
  /** Most devices, this one included, that made one of these rounds together. */
  together: count,
  bytes: count,
  /** The same transfers without dropout. */
  bytesWithoutDropout: z.number().min(0),
  joules: z.number().min(0),
  /** Those of `joules` that a battery told. */
  batteryJoules: z.number().min(0),
  /** The last round whose model has its work in it. */
  last: z
    .object({
      round: z.int().min(1),
      turn: turnSchema.optional(),
      contribution: share,
      aggregatedCount: count,
    })
    .readonly()
    .nullable(),
});
export type Given = z.infer<typeof givenSchema>;

export const NOTHING_GIVEN: Given = {
  ...{ roundsUsed: 0, contribution: 0, together: 0, bytes: 0, bytesWithoutDropout: 0 },
  ...{ joules: 0, batteryJoules: 0, last: null },
};

/** One of its rounds, as far as it has come. */
interface RoundGiven {
  /** Null while the round is not over. */
  readonly closed: Pick<RoundClosed, "round" | "outcome" | "contribution" | "aggregatedCount"> | null;
  readonly turn?: Turn | undefined;
  readonly bytes: number;
  readonly keptValues: number;
  /** Without dropout. */
  readonly fullValues: number;
  readonly valueType: ValueType;
  readonly energy: { readonly joules: number; readonly source: string | null } | null;
}

export function give(before: Given, round: RoundGiven): Given {
  const { closed, turn, bytes, keptValues, fullValues, valueType, energy } = round;
  // A transfer that was cut short counts in the same proportion.
  const unabridged = (bytes * payloadBytes(fullValues, valueType)) / payloadBytes(keptValues, valueType);
  const joules = energy?.joules ?? 0;
  const sums = {
    bytes: before.bytes + bytes,
    bytesWithoutDropout: before.bytesWithoutDropout + unabridged,
    joules: before.joules + joules,
    batteryJoules: before.batteryJoules + (energy?.source === "battery" ? joules : 0),
  };
  if (closed?.outcome !== "aggregated") return { ...before, ...sums };
  const { round: number, contribution, aggregatedCount } = closed;
  return {
    ...sums,
    roundsUsed: before.roundsUsed + 1,
    contribution: before.contribution + contribution,
    together: Math.max(before.together, aggregatedCount),
    last: { round: number, turn, contribution, aggregatedCount },
  };
}
