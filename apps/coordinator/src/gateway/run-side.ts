/**
 * Where the sockets end and the run begins. Whoever holds participants' sockets (the socket side) checks what comes in
 * and keeps bytes; whoever has the run (the run side) decides. In one process each calls the other; gateways and an
 * owner in processes of their own do so over Redis. Everything but an update's numbers is plain data.
 */
import type { Refusal } from "@fedlodrop/federation";
import type {
  Accepted,
  DeviceEvaluated,
  ExpectedValues,
  Guess,
  Join,
  Joined,
  Progress,
  Ready,
  Refused,
  SecureAnswer,
  ServerToClientEvents,
  UpdateStatistics,
  UploadBegin,
} from "@fedlodrop/protocol";

/** A connection that wants to join. */
export interface Newcomer {
  readonly connection: string;
  /** Whom limits count. */
  readonly address: string;
}

/** What an upload has to be. */
export interface ExpectedUpload {
  readonly kind: "open";
  readonly runId: string;
  /** Null for a masked input, which nobody can look into. */
  readonly values: ExpectedValues | null;
}

/** All of an upload, whose values are finite and within range. */
export interface CheckedUpdate {
  readonly runId: string;
  readonly round: number;
  readonly statistics: UpdateStatistics;
  readonly bytes: Uint8Array;
  /** Decoded from the bytes; null for a masked input. */
  readonly changes: Float32Array | null;
}

export interface MemberTerms {
  readonly kind: "member";
  readonly runId: string;
  /** γ */
  readonly dropoutRate: number;
}

export type Departure = "left" | "disconnected" | "gateway-lost";

export interface RunSide {
  /** Admits the connection as a participant, known by its token or new. */
  join(newcomer: Newcomer, message: Join): Promise<Joined | Refused>;
  ready(participantId: string, message: Ready): Promise<Accepted | Refused>;
  guess(participantId: string, message: Guess): Promise<Accepted | Refused>;
  secureAnswer(participantId: string, message: SecureAnswer): Promise<Accepted | Refused>;
  beginUpload(participantId: string, terms: UploadBegin): Promise<ExpectedUpload | Refused>;
  /**
   * An upload is none that fits: it is noted against its sender. @param runId that it was begun in; null when it was not
   * begun at all @returns what its sender hears
   */
  unusable(
    participantId: string,
    runId: string | null,
    round: number,
    why: Pick<Refusal, "reason" | "message">,
  ): Promise<Refused>;
  /** Accepted is said once the update survives the end of any process. */
  submit(participantId: string, update: CheckedUpdate): Promise<Accepted | Refused>;
  evaluated(participantId: string, message: DeviceEvaluated): Promise<Accepted | Refused>;
  /** What a member of the open round that owes it an update is to train; or why it is none. */
  member(participantId: string, round: number): Promise<MemberTerms | Refused>;
  /** The participant of a session token that may still take part. */
  holderOf(token: string): Promise<string | undefined>;
  /** Which part of the training texts it is dealt; null of one that does not take part any more. */
  partOf(participantId: string): Promise<number | null>;
  progressed(participantId: string, progress: Progress): void;
  /** Payload bytes that have come up from a member of the round. */
  received(participantId: string, round: number, bytes: number): void;
  /** Payload bytes that have gone down to one. */
  sent(participantId: string, round: number, bytes: number): void;
  /** It has all of its sub-adapter. */
  downloaded(participantId: string): void;
  /** The connection is gone, for good (`left`) or perhaps not; or its gateway is, and its device takes another one. */
  gone(connection: string, kind: Departure): Promise<void>;
}

/** What the run's side has to say to connections. */
export interface SocketSide {
  tell<E extends keyof ServerToClientEvents>(
    connection: string,
    event: E,
    ...message: Parameters<ServerToClientEvents[E]>
  ): void;
  /** To every connection, also to those that have not joined. */
  tellAll<E extends keyof ServerToClientEvents>(
    event: E,
    ...message: Parameters<ServerToClientEvents[E]>
  ): void;
  /** Tells it why and closes it; whoever joined over it is not here any more. */
  dismiss(connection: string, why: Refused): void;
  /** Uploads of this round are worth nothing any more. */
  roundOver(round: number): void;
}
