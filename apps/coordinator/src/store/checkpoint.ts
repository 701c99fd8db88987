/** A checkpoint: everything that a run goes on from when no round is open, but for the adapter and the final rounds. */
import { partByNumber, type RunSnapshot } from "@fedlodrop/federation";
import { givenSchema, readySchema } from "@fedlodrop/protocol";
import { roundRecordSchema, runConfigSchema } from "@fedlodrop/run";
import { z } from "zod";
import { accessRecordSchema } from "../security/access.ts";

const deviceSchema = readySchema.omit({ runId: true });
const participantSchema = z.strictObject({
  id: z.string(),
  nickname: z.string(),
  presence: z.enum(["loading", "ready", "away", "kicked"]),
  device: deviceSchema.nullable(),
  known: z.boolean(),
  awaited: z.boolean().optional(),
  part: z.int().min(0).optional(),
  given: givenSchema.optional(),
});

/** A program that did not deal kept none: the part followed from the participant's number. */
const withPart = <P extends { readonly id: string; readonly part?: number | undefined }>(
  participant: P,
  partCount: number,
) => ({ ...participant, part: participant.part ?? partByNumber(participant.id, partCount) });

const snapshotSchema: z.ZodType<RunSnapshot> = z
  .strictObject({
    config: runConfigSchema,
    participants: z.array(participantSchema).readonly(),
    dealsByNumber: z.boolean().optional(),
    locked: z.boolean(),
    intent: z.enum(["idle", "run", "pause", "stop"]),
    roundsDone: z.int().min(0),
    triedCount: z.int().min(0),
    desertedCount: z.int().min(0),
    evaluatedRounds: z.int().min(-1),
    basedOnRound: z.int().min(0),
    openRecords: z.array(roundRecordSchema).readonly(),
    baseTestLoss: z.number().nullable(),
    planning: z
      .strictObject({
        terms: runConfigSchema,
        candidates: z.array(participantSchema.extend({ device: deviceSchema })).readonly(),
      })
      .nullable(),
  })
  .transform(({ participants, planning, ...snapshot }) => {
    const { devices } = snapshot.config;
    const candidates = planning?.candidates.map((one) => withPart(one, devices)) ?? [];
    // Before texts were dealt nobody had a part. So it is in an empty lobby of whatever version: it goes by numbers too.
    return {
      ...snapshot,
      dealsByNumber: snapshot.dealsByNumber ?? participants.every(({ part }) => part === undefined),
      participants: participants.map((one) => withPart(one, devices)),
      planning: planning && { ...planning, candidates },
    };
  });

/** A figure that was not finite was written as null. */
const figure = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN);

const memorySchema = z.strictObject({
  standings: z
    .array(z.strictObject({ participantId: z.string(), sum: z.number(), rounds: z.int().min(1) }))
    .readonly(),
  seen: z.array(z.array(z.strictObject({ rms: figure, product: figure })).readonly()).readonly(),
});

export const checkpointSchema = z.strictObject({
  runId: z.string().min(1),
  hostKey: z.string().min(1),
  snapshot: snapshotSchema,
  sessions: z.array(z.strictObject({ participantId: z.string(), tokenDigest: z.string() })).readonly(),
  /** Participant ids that have been given away, forgotten ones included. */
  idsGiven: z.int().min(0),
  /** Parts of the training texts that updates in the adapter come from. */
  partsTrainedOn: z.array(z.int().min(0)).readonly(),
  /** Parts whose owners' held-out texts are measured; null before the run has started. */
  partsMeasured: z.array(z.int().min(0)).readonly().nullable(),
  /** What later rounds look back on, of each arm. */
  memory: z.array(memorySchema).max(2).readonly(),
  /** Whom the host lets in: the door's own. */
  access: accessRecordSchema,
  /** What the coordinator's clock said; it goes on from there. */
  clockMs: z.number(),
});
export type Checkpoint = z.infer<typeof checkpointSchema>;
