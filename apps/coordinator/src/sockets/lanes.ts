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
}

export function createLanes(): Lanes {
  const lanes = new Map<string, Lane>();
  const change = (participantId: string, changed: Partial<Lane>): void => {
    const lane = lanes.get(participantId);
    if (lane) lanes.set(participantId, { ...lane, ...changed });
  };
  return {
    of: (participantId) => lanes.get(participantId),
    started(participantId, round) {
      lanes.set(participantId, { round, downloaded: false, progress: null });
    },
    downloaded: (participantId) => change(participantId, { downloaded: true }),
    progressed(participantId, progress) {
      if (lanes.get(participantId)?.round === progress.round) change(participantId, { progress });
    },
  };
}
