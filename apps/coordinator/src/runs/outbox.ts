/** Where a run's messages go: to their receivers, once what they tell is kept. */

import type {
  ClientToServerEvents,
  RoundClosed,
  RoundEvaluated,
  RoundStart,
  RunEnded,
  SecureStep,
  ServerToClientEvents,
} from "@fedlodrop/protocol";
import type { Server } from "socket.io";
import { refused } from "../sockets/edge.ts";
import type { Lanes } from "../sockets/lanes.ts";
import type { ParticipantHub } from "../sockets/participant-hub.ts";
import type { Journal } from "./journal.ts";

export interface Outbox {
  roundStart(participantId: string, message: RoundStart): void;
  secureStep(participantId: string, message: SecureStep): void;
  roundClosed(participantId: string, message: RoundClosed): void;
  /** To everyone. */
  roundEvaluated(message: RoundEvaluated): void;
  runEnded(message: RunEnded): void;
  kicked(participantId: string): void;
  /** A newcomer is gone before it was in any round. */
  forgotten(participantId: string): void;
  /** Something that a host can see has changed, of one participant or of anybody's (null). */
  changed(participantId: string | null): void;
  log(line: string): void;
}

export interface OutboxOptions extends Pick<Outbox, "changed" | "forgotten" | "log"> {
  readonly journal: Journal;
  readonly hub: ParticipantHub;
  readonly lanes: Lanes;
  readonly io: Server<ClientToServerEvents, ServerToClientEvents>;
  /** Everybody has been told that the run is over. */
  ended(): void;
}

export function openOutbox({ journal, hub, lanes, io, ended, ...rest }: OutboxOptions): Outbox {
  const { afterwards } = journal;
  return {
    ...rest,
    roundStart(participantId, message) {
      lanes.started(participantId, message.round);
      afterwards(() => hub.tell(participantId, "round-start", message));
    },
    secureStep: (participantId, message) => afterwards(() => hub.tell(participantId, "secure-step", message)),
    roundClosed(participantId, message) {
      hub.forgetUpload(participantId);
      afterwards(() => hub.tell(participantId, "round-closed", message));
    },
    roundEvaluated: (message) => afterwards(() => io.emit("round-evaluated", message)),
    runEnded: (message) =>
      afterwards(() => {
        io.emit("run-ended", message);
        ended();
      }),
    kicked: (participantId) =>
      afterwards(() =>
        hub.dismiss(participantId, refused("kicked", "the host has removed you from this run")),
      ),
  };
}
