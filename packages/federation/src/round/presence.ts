/** Participants come, become ready, lose their connections and go. */
import { lastInOrder, removeParticipant, setParticipant, setStatus } from "./members.ts";
import { hasPlace, type Participant } from "./participant.ts";
import { dealAgain, partByNumber, partForNewcomer } from "./parts.ts";
import { type Refusal, refuse } from "./refusal.ts";
import { proceed, settle } from "./rounds.ts";
import type { Effect, RunEvent } from "./run-event.ts";
import type { Run, RunState } from "./run-state.ts";
import { refused, type Transition, unchanged, withEffects } from "./step.ts";

const KICKED = refuse("kicked", "the host has removed you from this run");

export function join(state: RunState, event: Extract<RunEvent, { kind: "joined" }>): Transition {
  const { participantId: id, nickname, resumesRound, atMs } = event;
  const known = state.participants.get(id);
  if (known === undefined) {
    const refusal = entryRefusal(state);
    if (refusal !== null) return refused(state, refusal);
    const { dealsByNumber, holders, config } = state;
    const part = dealsByNumber ? partByNumber(id, config.devices) : partForNewcomer(holders);
    return unchanged(
      setParticipant(state, { id, nickname, presence: "loading", device: null, known: false, part }),
    );
  }
  if (known.presence === "kicked") return refused(state, KICKED);
  const next = setParticipant(state, { ...known, nickname, presence: "loading", awaited: false });
  if (next.kind !== "training" || resumesRound === next.round) return unchanged(next);
  return forfeit(next, id, atMs);
}

/** Devices that may load at once beyond the places: a place is taken by who is ready, and kept while other texts load. */
export const LOADING_ROOM = 32;

function entryRefusal({
  locked,
  presentCount,
  placedCount,
  config: { maxParticipants },
}: Run): Refusal | null {
  if (locked) return refuse("run-locked", "the host has closed this run to newcomers");
  if (presentCount - placedCount >= maxParticipants + LOADING_ROOM)
    return refuse("run-full", "too many devices are loading: try again in a minute");
  return placedCount < maxParticipants ? null : full(maxParticipants);
}

const full = (places: number): Refusal => refuse("run-full", `run: expected at most ${places} participants`);

/** Changes a participant's presence; someone becoming ready may be the one a waiting run waits for. */
export function present(
  state: RunState,
  participantId: string,
  change: Partial<Pick<Participant, "presence" | "device" | "awaited">>,
): Transition {
  const participant = state.participants.get(participantId);
  if (participant === undefined)
    return refused(
      state,
      refuse("unknown-participant", `participant: expected one that has joined, got ${participantId}`),
    );
  if (participant.presence === "kicked") return refused(state, KICKED);
  const { maxParticipants } = state.config;
  if (change.presence === "ready" && !hasPlace(participant) && state.placedCount >= maxParticipants)
    return refused(state, full(maxParticipants));
  const placed = change.presence === "away" ? lastInOrder(state, participant) : state;
  const next = setParticipant(placed, { ...participant, awaited: false, ...change });
  return next.kind === "lobby" ? proceed(next) : unchanged(next);
}

/** Ready with texts of its own, or with those that it is dealt: not with others, which it held before. */
export function becomeReady(
  state: RunState,
  { participantId, device }: Extract<RunEvent, { kind: "ready" }>,
): Transition {
  const dealt = state.participants.get(participantId)?.part;
  return dealt === undefined || device.part == null || device.part === dealt
    ? present(state, participantId, { presence: "ready", device })
    : refused(
        state,
        refuse(
          "wrong-state",
          `ready: expected part ${dealt} of the texts, got ${device.part}; load what it needs first`,
        ),
      );
}

/**
 * Before the run has started, parts follow those who have a place: the start finds them dealt, and no round waits for texts.
 * Afterwards everybody keeps what it trains on.
 */
export function dealEvenly(step: Transition, before: RunState): Transition {
  let { state } = step;
  const isSettled =
    state.kind !== "lobby" ||
    state.intent !== "idle" ||
    state.dealsByNumber ||
    (state.holders === before.holders && state.intent === before.intent);
  if (isSettled) return step;
  const deals: Effect[] = [];
  for (;;) {
    const changing = dealAgain(state.participants.values(), state.holders);
    if (changing === null) return { state, effects: [...step.effects, ...deals] };
    state = setParticipant(state, changing);
    deals.push({ kind: "deal", participantId: changing.id, part: changing.part });
  }
}

/** Of one that has come back it changes nothing. */
export function awaitNoLonger(
  state: RunState,
  { participantId, atMs }: Extract<RunEvent, { kind: "grace-passed" }>,
): Transition {
  const participant = state.participants.get(participantId);
  return participant?.presence === "away"
    ? depart(setParticipant(state, { ...participant, awaited: false }), participantId, atMs)
    : unchanged(state);
}

/** Gone for now. Who was in a cohort may return as the same; a newcomer is forgotten, or coming and going would fill the run. */
export function depart(state: RunState, participantId: string, atMs: number): Transition {
  return state.participants.get(participantId)?.known
    ? forgetLongGone(forfeit(state, participantId, atMs))
    : forget(state, [participantId]);
}

/** Of those who left: how many are still known, for each place of the run. */
const GONE_REMEMBERED = 4;

/** A long run sees many come and go: those who left first are new when they come back after so many others. */
function forgetLongGone({ state, effects }: Transition): Transition {
  const most = Math.max(64, GONE_REMEMBERED * state.config.maxParticipants);
  if (state.participants.size - state.presentCount <= most) return { state, effects };
  // Some at once: it goes through the list.
  const gone = [...state.participants.values()].filter(({ presence }) => presence === "away");
  const ids = gone.slice(0, Math.ceil(most / 8)).map(({ id }) => id);
  return withEffects(forget(state, ids), effects);
}

const forget = (state: RunState, ids: readonly string[]): Transition => ({
  state: ids.reduce(removeParticipant, state),
  effects: ids.map((participantId) => ({ kind: "forget", participantId })),
});

/** Whatever the participant owed to the open round, it will not come. */
export function forfeit(state: RunState, participantId: string, atMs: number): Transition {
  const member = state.kind === "training" ? state.members.get(participantId) : undefined;
  return member === undefined || member.status.kind === "aggregated"
    ? unchanged(state)
    : settle(setStatus(state, participantId, { kind: "left" }), atMs);
}
