/**
 * After a restart: those who were connected before are on their way back. A round is planned only when each of them is
 * ready again, has gone, or has stayed away for too long. A connection that is lost once more meanwhile is nothing new:
 * its participant is on its way back still.
 */
import type { RunEvent } from "@fedlodrop/federation";

type Return = "away" | "lost again" | "loading" | "ready";

export interface Reunion {
  /** Everybody is back, or nobody waits for them any more. */
  readonly isComplete: boolean;
  /** Nothing is owed to anybody either. */
  readonly isOver: boolean;
  expect(participantId: string): void;
  /** It was here before the restart, and is not ready now. */
  awaits(participantId: string): boolean;
  isAway(participantId: string): boolean;
  hasComeBack(participantId: string): boolean;
  /** It has come back without the open round's work, and is to be asked for it once more when it is ready. */
  mustStartAgain(participantId: string): boolean;
  /** It is to be asked so, restart or not. */
  startsAgain(participantId: string): void;
  /** Whether this is the loss of a connection that says nothing, because its participant is expected to come back. */
  forgives(event: RunEvent): boolean;
  /** @param openRound whose work somebody may come back with */
  saw(event: RunEvent, openRound: number | undefined): void;
  /** Nobody waits for it any more. */
  giveUp(participantId: string): void;
  /** Calls back once; at once if everybody is here. */
  whenComplete(callBack: () => void): void;
}

export function createReunion(): Reunion {
  /** Emptied when everybody is here, for good. */
  const expected = new Map<string, Return>();
  /** Also of those who take so long to load that nobody waits for them. */
  const withoutWork = new Set<string>();
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

  const isAway = (participantId: string): boolean => {
    const has = expected.get(participantId);
    return has === "away" || has === "lost again";
  };

  return {
    get isComplete() {
      return expected.size === 0;
    },
    get isOver() {
      return expected.size === 0 && withoutWork.size === 0;
    },
    expect: (participantId) => {
      expected.set(participantId, "away");
    },
    awaits: (participantId) => (expected.get(participantId) ?? "ready") !== "ready",
    isAway,
    hasComeBack: (participantId) => (expected.get(participantId) ?? "away") !== "away",
    mustStartAgain: (participantId) => withoutWork.has(participantId),
    startsAgain: (participantId) => {
      withoutWork.add(participantId);
    },
    forgives: (event) => event.kind === "disconnected" && expected.has(event.participantId),
    saw(event, openRound) {
      if (!("participantId" in event)) return;
      const { participantId: id } = event;
      const isExpected = expected.has(id);
      switch (event.kind) {
        case "joined":
          if (isExpected && event.resumesRound !== openRound) withoutWork.add(id);
          else withoutWork.delete(id);
          if (isExpected) expected.set(id, "loading");
          return;
        case "ready":
          withoutWork.delete(id);
          if (!isExpected) return;
          expected.set(id, "ready");
          completed();
          return;
        case "disconnected":
          if (isExpected) expected.set(id, expected.get(id) === "away" ? "away" : "lost again");
          return;
        case "left":
          withoutWork.delete(id);
          giveUp(id);
          return;
        default: // What it does once it is here.
          return;
      }
    },
    giveUp,
    whenComplete(callBack) {
      if (expected.size === 0) callBack();
      else waiting.push(callBack);
    },
  };
}
