/** What the host page shows of a participant's work beside the run's state: the last progress it reported. */
import type { Progress } from "@fedlodrop/protocol";

export interface Lane {
  readonly round: number;
  readonly downloaded: boolean;
  readonly progress: Progress | null;
}

export interface Lanes {
  of(participantId: string): Lane | undefined;
  started(participantId: string, round: number): void;
  downloaded(participantId: string): void;
  progressed(participantId: string, progress: Progress): void;
  forget(participantId: string): void;
}

/** @param changed is told whose lane has changed. */
export function createLanes(changed: (participantId: string) => void): Lanes {
  const lanes = new Map<string, Lane>();
  const renew = (participantId: string, change: Partial<Lane>): void => {
    const lane = lanes.get(participantId);
    if (lane === undefined) return;
    lanes.set(participantId, { ...lane, ...change });
    changed(participantId);
  };
  return {
    of: (participantId) => lanes.get(participantId),
    started(participantId, round) {
      lanes.set(participantId, { round, downloaded: false, progress: null });
    },
    downloaded: (participantId) => renew(participantId, { downloaded: true }),
    progressed(participantId, progress) {
      if (lanes.get(participantId)?.round === progress.round) renew(participantId, { progress });
    },
    forget: (participantId) => {
      lanes.delete(participantId);
    },
  };
}
