/**
 * Messages of a round under secure aggregation (docs/privacy.md). Masked inputs travel as uploads; these are the small
 * ones before and after. Whether bytes are what they should be is told by packages/privacy, here only how many there may be.
 */
import { z } from "zod";

/** Advertisements of a thousand devices take 200 kB, shares for as many neighbours 80. */
const MAX_BYTES = 256 * 1024;
const MAX_DEVICES = 1024;

const round = z.int().min(1);
const id = z.string().min(1).max(32);
const ids = z.array(id).max(MAX_DEVICES).readonly();
/** Browsers hand over a buffer. */
const bytes = z
  .union([z.instanceof(Uint8Array), z.instanceof(ArrayBuffer)], { error: "expected bytes" })
  .transform((given) => (given instanceof Uint8Array ? given : new Uint8Array(given)))
  .refine(({ length }) => length <= MAX_BYTES, { error: `expected at most ${MAX_BYTES} bytes` });

/** A device's answer in a step. */
export const secureAnswerSchema = z.object({
  round,
  kind: z.enum(["keys", "shares", "signature", "reveal"]),
  bytes,
});
export interface SecureAnswer {
  readonly round: number;
  readonly kind: "keys" | "shares" | "signature" | "reveal";
  readonly bytes: Uint8Array;
}

/** What ends a step and begins the next; told again to whoever comes back. */
export const secureStepSchema = z.discriminatedUnion("kind", [
  z.object({
    round,
    kind: z.literal("roster"),
    devices: z
      .array(z.object({ id, weight: z.int().min(1), dropoutRate: z.number().min(0).max(0.95) }).readonly())
      .max(MAX_DEVICES)
      .readonly(),
    bytes,
  }),
  z.object({ round, kind: z.literal("sealed"), senders: ids, bytes }),
  z.object({ round, kind: z.literal("survivors"), survivors: ids }),
  z.object({ round, kind: z.literal("signatures"), signers: ids, bytes }),
]);
export type SecureStep = z.infer<typeof secureStepSchema>;

/** What a device is told of its part at a round's start. */
export const securePartSchema = z.object({
  /** Samples that its changes count for. */
  weight: z.int().min(1),
  /** Of the noise that devices add together, in units of the clipping norm; null adds none. */
  noiseMultiplier: z.number().positive().nullable(),
});
