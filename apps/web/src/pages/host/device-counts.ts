import type { ParticipantView } from "@fedlodrop/protocol";

/** Devices in the run, and those of them that could train now. */
export function countDevices(participants: readonly ParticipantView[]): {
  readonly joined: number;
  readonly ready: number;
} {
  const here = participants.filter(({ state }) => state !== "away" && state !== "kicked");
  return { joined: here.length, ready: here.filter(({ state }) => state !== "loading").length };
}
