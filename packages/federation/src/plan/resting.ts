/**
 * Who sits a round out. A device that stalls holds everybody up until the deadline, so after two stalls in a row it
 * rests, and is tried again later by a probe: it takes part, and the round does not wait for it as it does for others.
 */
import type { Exclusion, ParticipantRound, RoundRecord } from "@fedlodrop/run";

export type Standing =
  | { readonly kind: "takes-part" }
  | { readonly kind: "rests"; readonly exclusion: Exclusion }
  | { readonly kind: "probe" };

const STALLS_FORGIVEN = 2;
/** Rounds of the first rest; each probe that fails doubles it, up to the most. A plan looks back on twice as many. */
const REST_ROUNDS = { least: 3, most: 12 };
/** A round that lasted as much of its deadline was ended by it. */
const AT_DEADLINE = 0.95;

/** @param records the last rounds, the newest last */
export function standingOf(id: string, round: number, records: readonly RoundRecord[]): Standing {
  let stalls = 0;
  let lastRound = 0;
  for (const record of records) {
    const own = record.participants.find((participant) => participant.id === id);
    // Who left did not hold anybody up; and says nothing of whether it would have.
    if (own === undefined || own.outcome === "left") continue;
    lastRound = record.round;
    stalls = isStall(record, own, stalls >= STALLS_FORGIVEN) ? stalls + 1 : 0;
  }
  if (stalls < STALLS_FORGIVEN) return { kind: "takes-part" };
  const rest = Math.min(REST_ROUNDS.most, REST_ROUNDS.least * 2 ** (stalls - STALLS_FORGIVEN));
  const next = lastRound + rest + 1;
  return round >= next
    ? { kind: "probe" }
    : { kind: "rests", exclusion: { cause: "stalls", stalls, nextRound: next } };
}

/** Nothing came, although the round went on for as long as rounds may, or the download never began. A probe has to answer. */
function isStall(
  { seconds, deadlineSeconds }: RoundRecord,
  { outcome, bytesDown }: ParticipantRound,
  isProbe: boolean,
): boolean {
  if (outcome !== "missed-deadline" && outcome !== "late") return false;
  return isProbe || bytesDown === 0 || seconds >= AT_DEADLINE * deadlineSeconds;
}
