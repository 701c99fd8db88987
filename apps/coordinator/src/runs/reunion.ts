/**
 * After a restart: those who were connected before are on their way back. A round is planned only when each of them has
 * become ready again, has gone, or has stayed away for too long.
 */
import type { RunEvent } from "@fedlodrop/federation";

type Return = "away" | "starts again" | "keeps working";

export interface Reunion {
  readonly isComplete: boolean;
  expect(participantId: string): void;
  /** It was here before the restart and has not become ready since. */
  awaits(participantId: string): boolean;
  hasJoined(participantId: string): boolean;
  /** It still has the open round's work. */
  keepsWorking(participantId: string): void;
  mustStartAgain(participantId: string): boolean;
  saw(event: RunEvent): void;
  /** Nobody waits for it any more. */
  giveUp(participantId: string): void;
  /** Calls back once; at once if everybody is here. */
  whenComplete(callBack: () => void): void;
}

export function createReunion(): Reunion {
  const awaited = new Map<string, Return>();
  let waiting: (() => void)[] = [];
  function giveUp(participantId: string): void {
    awaited.delete(participantId);
    if (awaited.size > 0) return;
    const callBacks = waiting;
    waiting = [];
    for (const callBack of callBacks) callBack();
  }
  return {
    get isComplete() {
      return awaited.size === 0;
    },
    expect: (participantId) => {
      awaited.set(participantId, "away");
    },
    awaits: (participantId) => awaited.has(participantId),
    hasJoined: (participantId) => (awaited.get(participantId) ?? "away") !== "away",
    keepsWorking(participantId) {
      if (awaited.has(participantId)) awaited.set(participantId, "keeps working");
    },
    mustStartAgain: (participantId) => awaited.get(participantId) === "starts again",
    saw(event) {
      if (!("participantId" in event)) return;
      const { kind, participantId } = event;
      if (kind === "joined" && awaited.get(participantId) === "away")
        awaited.set(participantId, "starts again");
      if (awaited.has(participantId) && (kind === "ready" || kind === "left" || kind === "disconnected"))
        giveUp(participantId);
    },
    giveUp,
    whenComplete(callBack) {
      if (awaited.size === 0) callBack();
      else waiting.push(callBack);
    },
  };
}
