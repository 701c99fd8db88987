/**
 * After a restart: those who were connected before are on their way back. A round is planned only when each of them is
 * ready again, has gone, or has stayed away for too long. A connection that is lost once more meanwhile is nothing new:
 * its participant is on its way back still.
 */
import type { RunEvent } from "@fedlodrop/federation";

type Return = "away" | "starts again" | "keeps working" | "ready";

export interface Reunion {
  readonly isComplete: boolean;
  expect(participantId: string): void;
  /** It was here before the restart, and is not ready now. */
  awaits(participantId: string): boolean;
  hasJoined(participantId: string): boolean;
  /** It still has the open round's work. */
  keepsWorking(participantId: string): void;
  mustStartAgain(participantId: string): boolean;
  /** Whether this is the loss of a connection that says nothing, because its participant is expected to come back. */
  forgives(event: RunEvent): boolean;
  saw(event: RunEvent): void;
  /** Nobody waits for it any more. */
  giveUp(participantId: string): void;
  /** Calls back once; at once if everybody is here. */
  whenComplete(callBack: () => void): void;
}

export function createReunion(): Reunion {
  /** Emptied when everybody is here, for good. */
  const expected = new Map<string, Return>();
  let waiting: (() => void)[] = [];

  function completed(): void {
    for (const has of expected.values()) if (has !== "ready") return;
    expected.clear();
    const callBacks = waiting;
    waiting = [];
    for (const callBack of callBacks) callBack();
  }

  function giveUp(participantId: string): void {
    expected.delete(participantId);
    completed();
  }

  return {
    get isComplete() {
      return expected.size === 0;
    },
    expect: (participantId) => {
      expected.set(participantId, "away");
    },
    awaits: (participantId) => (expected.get(participantId) ?? "ready") !== "ready",
    hasJoined: (participantId) => (expected.get(participantId) ?? "away") !== "away",
    keepsWorking(participantId) {
      if (expected.has(participantId)) expected.set(participantId, "keeps working");
    },
    mustStartAgain: (participantId) => expected.get(participantId) === "starts again",
    forgives: (event) => event.kind === "disconnected" && expected.has(event.participantId),
    saw(event) {
      if (!("participantId" in event)) return;
      const { kind, participantId } = event;
      const has = expected.get(participantId);
      if (has === undefined) return;
      if (kind === "left") giveUp(participantId);
      if (kind === "disconnected") expected.set(participantId, "away");
      if (kind === "joined" && has === "away") expected.set(participantId, "starts again");
      if (kind === "ready") {
        expected.set(participantId, "ready");
        completed();
      }
    },
    giveUp,
    whenComplete(callBack) {
      if (expected.size === 0) callBack();
      else waiting.push(callBack);
    },
  };
}
