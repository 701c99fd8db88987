/** Socket.IO's typed event maps. Every acknowledgement is a value: accepted, or refused with a reason. */
import type { Fault } from "./chaos.ts";
import type { HostCommand, HostReply, SentRounds, SentView, ViewChanges } from "./host.ts";
import type { Guess, LessonSlide } from "./lesson.ts";
import type {
  Accepted,
  Dealt,
  DeviceEvaluated,
  Join,
  Joined,
  Progress,
  Ready,
  Received,
  Refused,
  RoundClosed,
  RoundEvaluated,
  RoundStart,
  RunDescription,
  RunEnded,
  Sharing,
  UploadBegin,
  UploadEnd,
} from "./messages.ts";
import type { SecureAnswer, SecureStep } from "./secure-messages.ts";

type Reply<T> = (reply: T | Refused) => void;

/**
 * Participants, default namespace. One upload = `upload-begin`, `upload-chunk`… in order, `upload-end`; chunks may be
 * on their way together, each answered with what has been received. Sub-adapters come over HTTP.
 */
export interface ClientToServerEvents {
  join: (message: Join, reply: Reply<Joined>) => void;
  ready: (message: Ready, reply: Reply<Accepted>) => void;
  /** Measures the round trip. */
  ping: (reply: Reply<Accepted>) => void;
  progress: (message: Progress) => void;
  "upload-begin": (message: UploadBegin, reply: Reply<Received>) => void;
  "upload-chunk": (
    message: { round: number; offset: number },
    bytes: Uint8Array,
    reply: Reply<Received>,
  ) => void;
  "upload-end": (message: UploadEnd, reply: Reply<Accepted>) => void;
  /** What it makes of the adapter after a round that devices measure. */
  evaluated: (message: DeviceEvaluated, reply: Reply<Accepted>) => void;
  /** A step under secure aggregation; again is as good as once. */
  "secure-answer": (message: SecureAnswer, reply: Reply<Accepted>) => void;
  /** An answer to the lesson's question. */
  guess: (message: Guess, reply: Reply<Accepted>) => void;
  leave: (reply: () => void) => void;
}

export interface ServerToClientEvents {
  "round-start": (message: RoundStart) => void;
  "secure-step": (message: SecureStep) => void;
  "round-closed": (message: RoundClosed) => void;
  "round-evaluated": (message: RoundEvaluated) => void;
  dealt: (message: Dealt) => void;
  sharing: (message: Sharing) => void;
  "run-changed": (message: RunDescription) => void;
  "run-ended": (message: RunEnded) => void;
  /** The host lets this connection in that was refused with `awaiting-approval`: join again. */
  admitted: () => void;
  /** What the host's lesson shows on every screen; null when there is none any more. */
  lesson: (message: LessonSlide | null) => void;
  /** What the presenter does to this device; null lifts what lasts. */
  chaos: (message: Fault | null) => void;
  /** The host has closed the coordinator; the run goes on here if it is opened again. */
  "host-closed": () => void;
  dismissed: (message: Refused) => void;
}

/** Hosts, namespace `/host`; the key travels in the handshake's `auth.key`. */
export interface HostToServerEvents {
  command: (message: HostCommand, reply: (reply: HostReply) => void) => void;
}

export interface ServerToHostEvents {
  rounds: (message: SentRounds) => void;
  view: (message: SentView) => void;
  changes: (message: ViewChanges) => void;
}
