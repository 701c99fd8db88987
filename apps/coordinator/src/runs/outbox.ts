/** Where a run's messages go: to their receivers, once what they tell is kept. */

import type { RoundClosed, RoundEvaluated, RoundStart, RunEnded, SecureStep } from "@fedlodrop/protocol";
import { refused } from "../edge.ts";
import type { SocketSide } from "../gateway/run-side.ts";
import type { Journal } from "./journal.ts";
import type { Lanes } from "./lanes.ts";
import type { Participants } from "./participants.ts";

export interface Outbox {
  roundStart(participantId: string, message: RoundStart): void;
  secureStep(participantId: string, message: SecureStep): void;
  /** It loads the texts of another part. */
  deal(participantId: string, part: number): void;
  sharing(participantId: string, sharedWith: number): void;
  roundClosed(participantId: string, message: RoundClosed): void;
  /** To everyone. */
  roundEvaluated(message: RoundEvaluated): void;
  /** To everyone. */
  runEnded(message: RunEnded): void;
  /** Nothing will change any more. */
  ended(): void;
  kicked(participantId: string): void;
  /** A newcomer is gone before it was in any round. */
  forgotten(participantId: string): void;
  /** Something that a host can see has changed, of one participant or of anybody's (null). */
  changed(participantId: string | null): void;
  log(line: string): void;
}

export interface OutboxOptions extends Pick<Outbox, "ended" | "changed" | "forgotten" | "log"> {
  readonly journal: Journal;
  readonly participants: Participants;
  readonly sockets: SocketSide;
  readonly lanes: Lanes;
}

export function openOutbox({ journal, participants, sockets, lanes, ended, ...rest }: OutboxOptions): Outbox {
  const { afterwards } = journal;
  let roundsOver = 0;
  return {
    ...rest,
    roundStart(participantId, message) {
      lanes.started(participantId, message.round);
      afterwards(() => participants.tell(participantId, "round-start", message));
    },
    secureStep: (participantId, message) =>
      afterwards(() => participants.tell(participantId, "secure-step", message)),
    deal(participantId, part) {
      rest.changed(participantId);
      afterwards(() => participants.deal(participantId, part));
    },
    sharing: (participantId, sharedWith) =>
      afterwards(() => participants.tell(participantId, "sharing", { sharedWith })),
    roundClosed(participantId, message) {
      if (message.round > roundsOver) sockets.roundOver(message.round);
      roundsOver = message.round;
      afterwards(() => participants.tell(participantId, "round-closed", message));
    },
    roundEvaluated: (message) => afterwards(() => sockets.tellAll("round-evaluated", message)),
    runEnded: (message) => afterwards(() => sockets.tellAll("run-ended", message)),
    ended: () => afterwards(ended),
    kicked: (participantId) =>
      afterwards(() =>
        participants.dismiss(participantId, refused("kicked", "the host has removed you from this run")),
      ),
  };
}
