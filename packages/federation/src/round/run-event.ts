/** What can happen to a run, and what must be done about it. Clock readings come in as `atMs`, numbers of updates never. */
import type {
  DeviceFacts,
  HostCommand,
  RefusalReason,
  RoundClosed,
  RoundEvaluated,
  RunEnded,
  UpdateStatistics,
} from "@fedlodrop/protocol";
import type { RoundEvaluation, RoundRecord, SecureRecord, UpdateRecord } from "@fedlodrop/run";
import type { PlanRequest } from "../plan/plan-request.ts";
import type { Assignment, RoundPlan } from "./run-state.ts";

/** A host command that the machine obeys; a new configuration makes a new run instead, and who may knock is not its
 *  business. */
export type RunCommand = Exclude<
  HostCommand,
  { kind: "chaos" | "configure" | "lesson" | "require-approval" | "admit" | "room-code" }
>;

interface FromParticipant {
  readonly participantId: string;
  readonly atMs: number;
}

/** Payload bytes that really travelled in a round, repeats and broken uploads included. */
export interface MemberTraffic {
  readonly participantId: string;
  readonly bytesDown: number;
  readonly bytesUp: number;
}

/** What the aggregation made of one update of a round. */
export interface MemberUpdate {
  readonly participantId: string;
  readonly update: UpdateRecord;
}

/** Plain data, so that a run can be told again from a list of its events. */
export type RunEvent =
  | (FromParticipant & {
      readonly kind: "joined";
      readonly nickname: string;
      /** The round the tab still works on, if it only lost its connection. */
      readonly resumesRound: number | null;
    })
  | (FromParticipant & { readonly kind: "ready"; readonly device: DeviceFacts })
  | (FromParticipant & { readonly kind: "disconnected" })
  /** Still without a connection when the time of grace had passed. */
  | (FromParticipant & { readonly kind: "grace-passed" })
  | (FromParticipant & { readonly kind: "left" })
  | (FromParticipant & { readonly kind: "upload-begun"; readonly round: number; readonly bytes: number })
  | (FromParticipant & {
      /** Decoded, finite and within range: its values wait where it was checked, for `fold-update` or to be dropped. */
      readonly kind: "update-arrived";
      readonly round: number;
      readonly statistics: UpdateStatistics;
    })
  /** The bytes of an upload did not hold an update. */
  | (FromParticipant & {
      readonly kind: "update-unusable";
      readonly round: number;
      readonly reason: RefusalReason;
      readonly message: string;
    })
  | { readonly kind: "deadline-passed"; readonly round: number; readonly atMs: number }
  | { readonly kind: "planned"; readonly round: number; readonly plan: RoundPlan; readonly atMs: number }
  /** The new adapter is there; what travelled in the round has been counted where it travels. */
  | {
      readonly kind: "closed";
      readonly round: number;
      readonly traffic: readonly MemberTraffic[];
      readonly updates: readonly MemberUpdate[];
      /** How it went, under secure aggregation only. */
      readonly secure?: SecureRecord | undefined;
      readonly atMs: number;
    }
  /** Rounds are evaluated in their order, the base model as round 0. */
  | {
      readonly kind: "evaluated";
      readonly round: number;
      /** Null when nothing evaluates the adapter. */
      readonly evaluation: RoundEvaluation | null;
      readonly atMs: number;
    }
  | { readonly kind: "command"; readonly command: RunCommand; readonly atMs: number };

export type Effect =
  | { readonly kind: "plan"; readonly request: PlanRequest }
  | {
      readonly kind: "start-round";
      readonly round: number;
      readonly assignment: Assignment;
      readonly deadlineSeconds: number;
    }
  | { readonly kind: "arm-deadline"; readonly round: number; readonly atMs: number }
  /** The deadline that is armed comes sooner. */
  | { readonly kind: "hasten-deadline"; readonly round: number; readonly atMs: number }
  | { readonly kind: "cancel-deadline"; readonly round: number }
  /** Tell a device, which loads, that its texts are of another part now. */
  | { readonly kind: "deal"; readonly participantId: string; readonly part: number }
  /** Report `grace-passed` after the time of grace. */
  | { readonly kind: "arm-grace"; readonly participantId: string }
  | {
      readonly kind: "fold-update";
      readonly round: number;
      readonly participantId: string;
      readonly dropoutRate: number;
      readonly weight: number;
    }
  /** Make the new adapter of what was folded; `closed` when it is there. */
  | {
      readonly kind: "close-round";
      readonly round: number;
      /** Fewer contributed than the host wants: the adapter stays as it is. */
      readonly discard: boolean;
    }
  | { readonly kind: "record-round"; readonly record: RoundRecord }
  /** The adapter that this round began with is the adapter again. */
  | { readonly kind: "restore"; readonly beforeRound: number }
  /** Evaluate the adapter as it is now; `evaluated` whenever that is done. */
  | { readonly kind: "evaluate"; readonly round: number }
  /** What a round's evaluation has added to its record; round 0, the base model, has none. */
  | { readonly kind: "amend-record"; readonly record: RoundRecord }
  | ({ readonly kind: "announce-evaluation" } & RoundEvaluated)
  | { readonly kind: "announce-round"; readonly participantId: string; readonly message: RoundClosed }
  /** Tell devices that no round is to come. */
  | ({ readonly kind: "announce-end" } & RunEnded)
  /** Nothing will change any more. */
  | { readonly kind: "end-run" }
  | { readonly kind: "dismiss"; readonly participantId: string }
  /** Its token is worth nothing any more. */
  | { readonly kind: "forget"; readonly participantId: string }
  /** The answer to the event's sender; nothing has changed but perhaps the sender's own status. */
  | { readonly kind: "refuse"; readonly reason: RefusalReason; readonly message: string };
