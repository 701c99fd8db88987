/** Who takes part, or may again: what the run knows of one of them. */
import type { DeviceFacts } from "@fedlodrop/protocol";

export interface Participant {
  readonly id: string;
  readonly nickname: string;
  /** `loading` until the tab has said that it is ready; `away` without a connection. */
  readonly presence: "loading" | "ready" | "away" | "kicked";
  /** What the tab told when it last became ready. */
  readonly device: DeviceFacts | null;
  /** It has been in a cohort: it may go and come back as the same. */
  readonly known: boolean;
  /** Of the training texts: the one that it is dealt, whether it takes it or brings texts of its own. */
  readonly part: number;
}

/** A participant that can be in a cohort. */
export type ReadyParticipant = Participant & { readonly device: DeviceFacts };

export const isReady = (participant: Participant): participant is ReadyParticipant =>
  participant.presence === "ready" && participant.device !== null;

export const isPresent = ({ presence }: Participant): boolean =>
  presence === "loading" || presence === "ready";

/** The part that it trains on; null when its texts are its own. */
export const heldPart = ({ device, part }: Participant): number | null =>
  device?.part === null ? null : part;
