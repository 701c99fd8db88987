/** What can happen to a run, and what must be done about it. Clock readings come in as `atMs`. */
import type {
  DeviceFacts,
  HostCommand,
  RefusalReason,
  RoundClosed,
  RunEnded,
  UpdateStatistics,
} from "@fedlodrop/protocol";
import type { RoundEvaluation, RoundRecord } from "@fedlodrop/run";
import type { Assignment, ReadyParticipant, RoundPlan } from "./run-state.ts";

/** A host command that the machine obeys; a new configuration makes a new run instead. */
export type RunCommand = Exclude<HostCommand, { kind: "configure" }>;

interface FromParticipant {
  readonly participantId: string;
  readonly atMs: number;
}

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
  | (FromParticipant & {
      readonly kind: "payload-sent" | "payload-received";
      readonly round: number;
      readonly bytes: number;
    })
  | (FromParticipant & { readonly kind: "upload-begun"; readonly round: number; readonly bytes: number })
  | (FromParticipant & {
      readonly kind: "update-arrived";
      readonly round: number;
      /** Decoded, finite and within range. */
      readonly changes: Float32Array;
      readonly statistics: UpdateStatistics;
    })
  /** The bytes of an upload did not hold an update. */
  | (FromParticipant & {
      readonly kind: "update-unusable";
      readonly round: number;
      readonly reason: RefusalReason;
      readonly message: string;
    })
  /** The participant's own measurement of its upload. */
  | (FromParticipant & {
      readonly kind: "upload-timed";
      readonly round: number;
      readonly secondsUpload: number;
      /** Of the whole round. */
      readonly energyJoules: number;
    })
  | { readonly kind: "deadline-passed"; readonly round: number; readonly atMs: number }
  | { readonly kind: "planned"; readonly round: number; readonly plan: RoundPlan; readonly atMs: number }
  | {
      readonly kind: "evaluated";
      readonly round: number;
      /** Null when nothing evaluates the adapter. */
      readonly evaluation: RoundEvaluation | null;
      readonly atMs: number;
    }
  | { readonly kind: "base-evaluated"; readonly testLoss: number; readonly atMs: number }
  | { readonly kind: "command"; readonly command: RunCommand; readonly atMs: number };

export type Effect =
  | { readonly kind: "plan"; readonly round: number; readonly participants: readonly ReadyParticipant[] }
  | {
      readonly kind: "start-round";
      readonly round: number;
      readonly assignment: Assignment;
      readonly deadlineSeconds: number;
    }
  | { readonly kind: "arm-deadline"; readonly round: number; readonly atMs: number }
  | { readonly kind: "cancel-deadline"; readonly round: number }
  /** Report `grace-passed` after the time of grace. */
  | { readonly kind: "arm-grace"; readonly participantId: string }
  | {
      readonly kind: "fold-update";
      readonly round: number;
      readonly assignment: Assignment;
      readonly changes: Float32Array;
      readonly weight: number;
    }
  /** Make the new adapter of what was folded. */
  | { readonly kind: "close-round"; readonly round: number }
  | { readonly kind: "evaluate"; readonly round: number }
  | { readonly kind: "record-round"; readonly record: RoundRecord }
  | { readonly kind: "announce-round"; readonly participantId: string; readonly message: RoundClosed }
  | ({ readonly kind: "end-run" } & RunEnded)
  | { readonly kind: "dismiss"; readonly participantId: string }
  /** Its token is worth nothing any more. */
  | { readonly kind: "forget"; readonly participantId: string }
  /** The answer to the event's sender; nothing has changed but perhaps the sender's own status. */
  | { readonly kind: "refuse"; readonly reason: RefusalReason; readonly message: string };
