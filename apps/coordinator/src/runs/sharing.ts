/**
 * Tells devices in the lobby how many others have the same part of the training texts. All together and seldom, as a room
 * that fills changes it for many with each device that is ready: the larger the room, the longer the pause.
 */
import { heldPart, isReady, type Participant, type RunEvent, type RunState } from "@fedlodrop/federation";
import type { Timers } from "./timers.ts";

export interface SharingOptions {
  readonly timers: Timers;
  state(): RunState;
  tell(participantId: string, sharedWith: number): void;
}

export interface Sharing {
  /** This has happened. */
  noticed(event: RunEvent): void;
}

const LEAST_PAUSE_MS = 1_000;
const MS_EACH = 5;

/** Other devices that have a place and the same part as this one; none have texts of its own. */
export function sharedWith({ holders }: RunState, participant: Participant): number {
  const part = heldPart(participant);
  return part === null ? 0 : Math.max(0, (holders.placed[part] ?? 1) - 1);
}

export function createSharing({ timers, state, tell }: SharingOptions): Sharing {
  /** By participant, since it was ready last. */
  let told = new Map<string, number>();
  let seen: readonly number[] | null = null;
  let isPending = false;

  function tellAll(): void {
    isPending = false;
    const now = state();
    if (now.kind !== "lobby") return;
    const before = told;
    told = new Map();
    for (const one of now.participants.values()) {
      if (!isReady(one)) continue;
      const others = sharedWith(now, one);
      told.set(one.id, others);
      if (before.get(one.id) !== others) tell(one.id, others);
    }
  }

  return {
    noticed(event) {
      const { kind, holders, placedCount } = state();
      if (kind !== "lobby") {
        // Rounds tell it themselves.
        told = new Map();
        seen = null;
        return;
      }
      // Its page may be another one than was told.
      if (event.kind === "ready") told.delete(event.participantId);
      else if (holders.placed === seen) return;
      seen = holders.placed;
      if (isPending) return;
      isPending = true;
      timers.start("sharing", Math.max(LEAST_PAUSE_MS, MS_EACH * placedCount), tellAll);
    },
  };
}
