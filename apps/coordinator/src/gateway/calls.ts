/** What a gateway and the run's owner say to each other over their line. */
import type {
  Accepted,
  Progress,
  Refused,
  RunDescription,
  ServerToClientEvents,
  UpdateStatistics,
} from "@fedlodrop/protocol";
import type { FoldOrder } from "../runs/elsewhere.ts";
import type { StoredUpload } from "../store/run-store.ts";
import type { RunSide } from "./run-side.ts";

/**
 * Raised whenever one of these changes meaning. It stands on every message in the stream, beside its frame, which nobody
 * unpacks who does not speak it. An owner takes gateways of earlier versions, too, so that a cluster is brought up to
 * date without an end: owners first, then one gateway after another.
 *
 * | version | what is new |
 * |---|---|
 * | 1 | messages have no version |
 * | 2 | `unusable` names the run in which the upload was begun |
 * | 3 | masked inputs go to the owner as they are, and so do answers under secure aggregation; `open-round`; connections are named by the owner |
 * | 4 | `partOf`: the owner deals the training texts; gateways of before serve those that follow from a participant's number, and are taken only for runs that go by numbers themselves |
 * | 5 | `fold` has no side, and a part no contrast |
 */
export const LINE_VERSION = 5;
export const OLDEST_GATEWAY = 1;
/** That knows what to do with a run under secure aggregation. */
export const OLDEST_SECURE_GATEWAY = 3;
/** That serves the texts which the owner has dealt. */
export const OLDEST_DEALING_GATEWAY = 4;

/** What a gateway of an earlier version asks, in the words of this one. */
export function inThisVersion(question: ToOwner, version: number): ToOwner {
  if (version >= 2 || question.kind !== "call" || question.name !== "unusable") return question;
  const [participantId, round, why] = question.args;
  return { ...question, args: [participantId, null, round, why] };
}

/** Of the run's side: what a gateway asks as it comes; `submit` only of a masked input, which nobody can look into. */
export const ASKED_AS_IT_COMES = [
  "join",
  "ready",
  "guess",
  "beginUpload",
  "secureAnswer",
  "submit",
  "unusable",
  "evaluated",
  "member",
  "holderOf",
  "partOf",
  "gone",
] as const satisfies readonly (keyof RunSide)[];
export type AskedAsItComes = (typeof ASKED_AS_IT_COMES)[number];

/** An update that the gateway has checked and put into the store. */
export interface StoredUpdate {
  readonly runId: string;
  readonly round: number;
  readonly statistics: UpdateStatistics;
  readonly upload: StoredUpload;
}

export type ToOwner =
  /** Its version is for owners of version 1, which look for it here. */
  | { readonly kind: "welcome"; readonly version: number }
  | { readonly kind: "call"; readonly name: AskedAsItComes; readonly args: readonly unknown[] }
  | { readonly kind: "submit"; readonly participantId: string; readonly update: StoredUpdate }
  /** `RoundTerms`, or null. */
  | { readonly kind: "round"; readonly round: number }
  /** Number of the round that devices are in, or null. */
  | { readonly kind: "open-round" };

/** The answer to `welcome`. */
export interface Welcome {
  readonly run: RunDescription;
  /** What the store calls the run. */
  readonly storeId: string;
  /** Where the owner listens to gateways. */
  readonly url: string;
}

/** The answer to `submit`; an order when this gateway is to fold it. */
export type Submitted = Refused | (Accepted & { readonly order: FoldOrder | null });

/** What has happened since the last one. */
export interface Notes {
  readonly kind: "notes";
  readonly progress: readonly (readonly [participantId: string, progress: Progress])[];
  readonly traffic: readonly (readonly [participantId: string, round: number, up: number, down: number])[];
  readonly downloaded: readonly string[];
}

export type ToGateway =
  | { readonly kind: "tell"; readonly connection: string; readonly event: Event; readonly message: unknown[] }
  | { readonly kind: "tell-all"; readonly event: Event; readonly message: unknown[] }
  | { readonly kind: "dismiss"; readonly connection: string; readonly why: Refused }
  | { readonly kind: "round-over"; readonly round: number };
type Event = keyof ServerToClientEvents;

export type AskedOfGateway =
  | { readonly kind: "part"; readonly round: number; readonly participantIds: readonly string[] }
  | { readonly kind: "agreements"; readonly round: number; readonly sketches: Float64Array | null };
