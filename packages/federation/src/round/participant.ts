/** Who takes part, or may again: what the run knows of one of them. */
import type { DeviceFacts, Given } from "@fedlodrop/protocol";

export interface Participant {
  readonly id: string;
  readonly nickname: string;
  /** `loading` until the tab has said that it is ready: then it has a place; `away` without a connection. */
  readonly presence: "loading" | "ready" | "away" | "kicked";
  /** Its connection was lost a moment ago: it may be back at once. */
  readonly awaited?: boolean | undefined;
  /** What the tab told when it last became ready. */
  readonly device: DeviceFacts | null;
  /** It has been in a cohort: it may go and come back as the same. */
  readonly known: boolean;
  /** Of the training texts: the one that it is dealt, whether it takes it or brings texts of its own. */
  readonly part: number;
  /** In the rounds that are over; absent before the first of its own is. */
  readonly given?: Given | undefined;
}

/** A participant that can be in a cohort. */
export type ReadyParticipant = Participant & { readonly device: DeviceFacts };

/** It has loaded what it is dealt: not so one that keeps its place while it loads other texts than it was ready with. */
export const isReady = (participant: Participant): participant is ReadyParticipant => {
  const { presence, device, part } = participant;
  return presence === "ready" && device !== null && (device.part ?? part) === part;
};

/** As anybody is told. */
export const shownPresence = (participant: Participant): Participant["presence"] =>
  hasPlace(participant) && !isReady(participant) ? "loading" : participant.presence;

export const hasPlace = ({ presence }: Participant): boolean => presence === "ready";

export const isPresent = ({ presence }: Participant): boolean =>
  presence === "loading" || presence === "ready";

/** It is here, or will be in a moment. */
export const isExpected = (participant: Participant): boolean =>
  isPresent(participant) || participant.awaited === true;

/** The part that it trains on; null when its texts are its own. */
export const heldPart = ({ device, part }: Participant): number | null =>
  device?.part === null ? null : part;
