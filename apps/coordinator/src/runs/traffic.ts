/** Payload bytes of the newest round, counted where they travel; the machine gets them when the round has closed. */
import type { MemberTraffic } from "@fedlodrop/federation";

export interface Traffic {
  /** Forgets the round before. */
  begin(round: number): void;
  /** Payload bytes, repeats and broken uploads included; those of another round are not counted. */
  sent(participantId: string, round: number, bytes: number): void;
  received(participantId: string, round: number, bytes: number): void;
  of(participantId: string): MemberTraffic | undefined;
  readonly all: readonly MemberTraffic[];
}

/** @param changed is told whose bytes have been counted. */
export function createTraffic(changed: (participantId: string) => void): Traffic {
  let open = 0;
  const counts = new Map<string, { participantId: string; bytesDown: number; bytesUp: number }>();
  const add = (participantId: string, round: number, down: number, up: number): void => {
    if (round !== open) return;
    const count = counts.get(participantId) ?? { participantId, bytesDown: 0, bytesUp: 0 };
    count.bytesDown += down;
    count.bytesUp += up;
    counts.set(participantId, count);
    changed(participantId);
  };
  return {
    begin(round) {
      open = round;
      counts.clear();
    },
    sent: (participantId, round, bytes) => add(participantId, round, bytes, 0),
    received: (participantId, round, bytes) => add(participantId, round, 0, bytes),
    of: (participantId) => counts.get(participantId),
    get all() {
      return [...counts.values()].map((count) => ({ ...count }));
    },
  };
}
