/** What the presenter has done to devices, and what the run made of it. */
import { CHAOS_SECONDS, type Fault, type HostView, type ParticipantView } from "@fedlodrop/protocol";
import type { RoundRecord, RunConfig } from "@fedlodrop/run";
import { roundName } from "../../ui/round-name.ts";
import { say } from "../../words/words.ts";
import { roundShown } from "./comparison.ts";

export interface Inflicted {
  readonly id: string;
  /** With its id where others have the same nickname. */
  readonly name: string;
  readonly fault: Fault;
  /** On the page's clock. */
  readonly atMs: number;
  readonly runId: string;
  /** Rounds that had closed by then. */
  readonly roundsBefore: number;
  /** Rounds that had closed when it was lifted, or when another fault took its place; null as long as neither has been. */
  readonly roundsUntil: number | null;
  /** Its connection was seen to be gone. */
  readonly wasAway: boolean;
}

/** It lasts until it is undone; the others come back by themselves. */
export const isLasting = (fault: Fault): fault is "freeze" | "slow" => fault === "freeze" || fault === "slow";

/** A nickname, and the id where it alone would be anybody's of that name. */
export function nameOf(
  { id, nickname }: Pick<ParticipantView, "id" | "nickname">,
  all: HostView["participants"],
): string {
  const isAmbiguous = all.some((other) => other.id !== id && other.nickname === nickname);
  return isAmbiguous ? say("chaos.same-name", { nickname, id }) : nickname;
}

/** With what the page has just seen of its device. */
export function observed(inflicted: Inflicted, participants: HostView["participants"]): Inflicted {
  if (inflicted.wasAway || isLasting(inflicted.fault)) return inflicted;
  const isAway = participants.some(({ id, state }) => id === inflicted.id && state === "away");
  return isAway ? { ...inflicted, wasAway: true } : inflicted;
}

/** What a device makes of a lost link or tab: it will be back in so many seconds, is on its way, or is there again. */
export function comingBack(
  { id, fault, atMs, wasAway, roundsUntil }: Inflicted,
  participants: HostView["participants"],
  nowMs: number,
): string | null {
  if (isLasting(fault) || roundsUntil !== null) return null;
  const state = participants.find((each) => each.id === id)?.state;
  const left = Math.ceil(CHAOS_SECONDS - (nowMs - atMs) / 1000);
  if (state === "loading" || (state === "away" && left <= 0)) return say("chaos.on-its-way");
  if (state === "away" || (!wasAway && left > 0)) return say("chaos.back-in", { count: left });
  return say("chaos.is-back");
}

/** Of the rounds that have closed since: the last one that it missed, and the last one. */
export function whatCameOfIt(
  inflicted: Inflicted,
  view: Pick<HostView, "config" | "runId" | "rounds">,
): readonly string[] {
  const closed = roundsSince(inflicted, view);
  const missed = closed.findLast((record) => outcomeIn(record, inflicted.id) !== "aggregated");
  const last = closed.at(-1);
  if (last === undefined) return inflicted.roundsUntil === null ? [say("chaos.open")] : [];
  const told = missed === undefined || missed === last ? [last] : [missed, last];
  return told.map((record) => tell(record, inflicted.id, view.config));
}

/** The name of the open round, if it waits for nobody else. */
export function roundThatWaits(
  { id, roundsUntil }: Inflicted,
  view: Pick<HostView, "config" | "phase" | "round" | "rounds" | "participants">,
): string | null {
  const { config, phase, participants, rounds } = view;
  if (roundsUntil !== null || phase !== "training") return null;
  const working = participants.filter(({ state }) => WORKING.has(state));
  // A lost connection is waited for, for a while, if it was lost in this round: later ones are planned without it.
  const last = rounds.at(-1);
  const outcome = last && outcomeIn(last, id);
  const wasThere = last === undefined || (outcome !== undefined && outcome !== "left");
  const isAwaited =
    working.length === 0
      ? wasThere && participants.some((each) => each.id === id && each.state === "away")
      : working.every((each) => each.id === id);
  return isAwaited ? roundName(config, roundShown(view)) : null;
}

const WORKING: ReadonlySet<ParticipantView["state"]> = new Set(["downloading", "training", "uploading"]);

/** The one that was open when it ended is the last that it could come to anything in. */
function roundsSince(
  { runId, roundsBefore, roundsUntil }: Inflicted,
  view: Pick<HostView, "runId" | "rounds">,
): readonly RoundRecord[] {
  const isOfThisRun = runId === view.runId;
  if (!isOfThisRun && roundsUntil !== null) return [];
  const rounds = view.rounds.slice(
    isOfThisRun ? roundsBefore : 0,
    roundsUntil === null ? undefined : roundsUntil + 1,
  );
  // Of rounds long ago the devices are not known any more.
  return rounds.filter(({ participants }) => participants.length > 0);
}

const outcomeIn = ({ participants }: RoundRecord, id: string) =>
  participants.find((each) => each.id === id)?.outcome;

function tell(record: RoundRecord, id: string, config: RunConfig): string {
  const averaged = record.participants.filter(({ outcome }) => outcome === "aggregated").length;
  const outcome = outcomeIn(record, id);
  const figures = { round: roundName(config, record), averaged, all: record.participants.length };
  if (outcome === undefined) return say("chaos.absent", figures);
  return outcome === "aggregated"
    ? say("chaos.survived", figures)
    : say("chaos.missed", { ...figures, outcome: say(`outcome.${outcome}`) });
}
