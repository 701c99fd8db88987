/** What the host page sees and may ask for. The host joins the namespace `/host` with its key. */
import {
  type Exclusion,
  type RoundRecord,
  type RunConfig,
  runChangeSchema,
  runOverridesSchema,
  type TaskKind,
} from "@fedlodrop/run";
import { z } from "zod";
import { faultSchema } from "./chaos.ts";
import { type LessonView, lessonSlideSchema } from "./lesson.ts";
import type { Refused } from "./messages.ts";

export const hostCommandSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("start") }),
  z.object({ kind: z.literal("pause") }),
  z.object({ kind: z.literal("resume") }),
  z.object({ kind: z.literal("stop") }),
  z.object({ kind: z.literal("kick"), participantId: z.string() }),
  /** Lifts a kick. */
  z.object({ kind: z.literal("readmit"), participantId: z.string() }),
  z.object({ kind: z.literal("lock"), locked: z.boolean() }),
  z.object({ kind: z.literal("require-approval"), required: z.boolean() }),
  /** Of someone in `access.waiting`. */
  z.object({ kind: z.literal("admit"), waitingId: z.string(), allowed: z.boolean() }),
  /** A new room code for newcomers, or none. */
  z.object({ kind: z.literal("room-code"), wanted: z.boolean() }),
  /** The model as it was before that round: while no round is open, and for one of the last three. */
  z.object({ kind: z.literal("rollback"), round: z.int().min(1) }),
  /** Done by the device to itself; null lifts what lasts. The run hears nothing of it. */
  z.object({ kind: z.literal("chaos"), participantId: z.string(), fault: faultSchema.nullable() }),
  /** What every screen shows beside the run; null ends the lesson. */
  z.object({ kind: z.literal("lesson"), slide: lessonSlideSchema.nullable() }),
  z.object({ kind: z.literal("change"), change: runChangeSchema }),
  /** A fresh run with another configuration; participants load what it needs and become ready again. */
  z.object({ kind: z.literal("configure"), config: runOverridesSchema }),
]);
export type HostCommand = z.infer<typeof hostCommandSchema>;
export type HostReply = { readonly kind: "done" } | Refused;

/** A lane on the host page. */
export interface ParticipantView {
  readonly id: string;
  readonly nickname: string;
  readonly state:
    | "loading"
    | "ready"
    | "downloading"
    | "training"
    | "uploading"
    | "waiting"
    | "away"
    | "kicked";
  readonly backend: string | null;
  readonly deviceDescription: string | null;
  /** Whose texts it trains on; null where they are its own. */
  readonly deviceName: string | null;
  readonly dropoutRate: number | null;
  readonly step: number;
  readonly localSteps: number;
  readonly loss: number | null;
  readonly tokensPerSecond: number | null;
  readonly bytesDown: number;
  readonly bytesUp: number;
}

/** What newcomers need besides the address. */
export interface AccessView {
  /** To be typed; null needs none. */
  readonly roomCode: string | null;
  /** They wait for the host's word. */
  readonly approval: boolean;
  readonly waiting: readonly {
    readonly id: string;
    readonly nickname: string;
    /** The removed participant whose address it comes from; null where it waits for another reason. */
    readonly sameAddressAs: string | null;
  }[];
}

/** Why a host's connection is not taken: the `data` of the error that tells it, whose message is for logs. */
export const HOST_REFUSALS = ["wrong-key", "rate-limited", "no-owner"] as const;
export type HostRefusal = (typeof HOST_REFUSALS)[number];

export type Standstill =
  /** Fewer are ready than a round starts with. */
  | { readonly kind: "waits-for-devices"; readonly ready: number; readonly least: number }
  /** Rounds in a row came to nothing: everybody left, or no sum could be made under secure aggregation. */
  | { readonly kind: "deserted" | "no-sum"; readonly first: number; readonly last: number }
  /** Every device that there is was left out of the next round. */
  | { readonly kind: "nobody-fits"; readonly exclusions: readonly Exclusion[] }
  | { readonly kind: "no-plan" | "not-stored" };

export interface HostView {
  readonly runId: string;
  readonly phase: "lobby" | "planning" | "training" | "closing" | "evaluating" | "paused" | "ended";
  readonly round: number;
  /** The last round in the model: the host may have gone back behind later ones. */
  readonly basedOnRound: number;
  readonly config: RunConfig;
  /** What losses are of, and hence how they are told. */
  readonly taskKind: TaskKind;
  readonly locked: boolean;
  /** A pause was asked for; it begins when the open round has closed. */
  readonly pausing: boolean;
  /** Why a run that was started does not go on, in a sentence; null when it does. */
  readonly notice: string | null;
  /** The same by its kind, for pages in other languages; null where the sentence is all there is. */
  readonly standstill: Standstill | null;
  readonly joinUrl: string;
  readonly access: AccessView;
  /** Null while no lesson is given. */
  readonly lesson: LessonView | null;
  readonly secondsToDeadline: number | null;
  readonly baseTestLoss: number | null;
  readonly participants: readonly ParticipantView[];
  readonly rounds: readonly RoundRecord[];
  readonly availableTasks: readonly { readonly name: string; readonly title: string }[];
}

/** The run as it is sent on connection and for a new run; afterwards only `ViewChanges` travel, and rounds apart. */
export type SentView = Omit<HostView, "rounds">;

/** What is different since the last view or change: a host is told of ten devices when ten of ten thousand moved. */
export interface ViewChanges {
  readonly run: Partial<Omit<SentView, "participants">>;
  /** Each replaces the one of its id; those of new ids come after all others. */
  readonly participants: readonly ParticipantView[];
  /** Ids of participants that are forgotten. */
  readonly gone: readonly string[];
}

/** Changes may be applied again: a host that has just connected hears some that its view has already. */
export function applyChanges(view: SentView, { run, participants, gone }: ViewChanges): SentView {
  if (participants.length === 0 && gone.length === 0) return { ...view, ...run };
  const byId = new Map(view.participants.map((participant) => [participant.id, participant]));
  for (const participant of participants) byId.set(participant.id, participant);
  for (const id of gone) byId.delete(id);
  return { ...view, ...run, participants: [...byId.values()] };
}

/** The rounds of `runId` from number `from` on, counted from 0; what came before stays. Sent ahead of the view. */
export interface SentRounds {
  readonly runId: string;
  readonly from: number;
  readonly records: readonly RoundRecord[];
}

/** `known` with what has come in; another run's rounds are forgotten. */
export const appendRounds = (known: SentRounds | null, sent: SentRounds): SentRounds => ({
  runId: sent.runId,
  from: 0,
  records: [...(known?.runId === sent.runId ? known.records.slice(0, sent.from) : []), ...sent.records],
});
