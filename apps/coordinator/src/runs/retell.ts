/**
 * Tells a run again from its log. The machine takes the events as it did; of what it decides only what concerns numbers
 * is carried out, everybody has been told of the rest. What was under way at the end is listed, to be taken up again.
 */
import {
  type Effect,
  type MemberUpdate,
  type RunState,
  type Transition,
  transition,
} from "@fedlodrop/federation";
import { decodeSparseValues } from "@fedlodrop/protocol";
import { atOnce, keptValueCount, nextTurn } from "@fedlodrop/run";
import type { LogEntry } from "../store/log-frames.ts";
import type { RunEntry } from "../store/run-store.ts";
import type { ArmNumbers } from "./arm-numbers.ts";
import { isSecure, noiseOf } from "./effects.ts";
import type { Evaluations } from "./evaluation.ts";
import type { Traffic } from "./traffic.ts";

const NOTHING = new Uint8Array(0);

export interface Retold {
  readonly state: RunState;
  /** The plan that has been asked for and is not there. */
  readonly plan: Extract<Effect, { kind: "plan" }> | null;
  /** What became of the updates of the round that closed last. */
  readonly updates: readonly MemberUpdate[];
  /** Adapters whose evaluation is not there, by round, the first first. */
  readonly unevaluated: ReadonlyMap<number, Float32Array>;
}

export interface RetellingRooms {
  readonly numbers: ArmNumbers;
  readonly traffic: Traffic;
  readonly evaluations: Evaluations;
  /** Entries about who is who, and about whom the host lets in. */
  identified(entry: Exclude<RunEntry, { kind: "event" }>): void;
  forgotten(participantId: string): void;
}

/** @param from the state that the log begins in, and what was to be done in it */
export function retell(
  from: Transition,
  entries: readonly LogEntry<RunEntry>[],
  rooms: RetellingRooms,
): Retold {
  const { numbers, traffic, evaluations } = rooms;
  let { state } = from;
  let plan: Retold["plan"] = null;
  let updates: Retold["updates"] = [];
  const unevaluated = new Map<number, Float32Array>();
  if (state.evaluatedRounds < state.records.length) unevaluated.set(state.records.length, numbers.adapter);

  function note(effect: Effect, payload: Uint8Array): void {
    switch (effect.kind) {
      case "plan":
        plan = effect;
        evaluations.plannedFor(effect.request.participants);
        return;
      case "arm-deadline":
        traffic.begin(effect.round);
        numbers.begin(nextTurn(state.config, state.records), state.config, noiseOf(state));
        return;
      case "fold-update":
        if (!isSecure(state)) atOnce(numbers.fold(effect));
        return;
      case "close-round": {
        const finished = atOnce(effect.discard || isSecure(state) ? numbers.discard() : numbers.finish());
        numbers.adopt(finished.adapter, effect.round);
        ({ updates } = finished);
        return;
      }
      case "restore":
        numbers.goBackTo(new Float32Array(Uint8Array.from(payload).buffer));
        return;
      case "record-round":
        numbers.recorded(effect.record);
        evaluations.recorded(effect.record);
        return;
      case "evaluate":
        unevaluated.set(effect.round, numbers.adapter);
        return;
      case "forget":
        numbers.forget(effect.participantId);
        rooms.forgotten(effect.participantId);
        return;
      default: // Somebody was told, or a timer ran.
        return;
    }
  }

  for (const effect of from.effects) note(effect, NOTHING);
  for (const { entry, payload } of entries) {
    if (entry.kind !== "event") {
      rooms.identified(entry);
      continue;
    }
    const { event } = entry;
    if (event.kind === "update-arrived" && !isSecure(state))
      numbers.hold(event.participantId, changesOf(state, event, payload));
    // What the log cannot give again is in it; what was made of it anew is forgotten.
    if (event.kind === "closed" && payload.length > 0)
      numbers.goBackTo(new Float32Array(Uint8Array.from(payload).buffer));
    if (event.kind === "planned") plan = null;
    if (event.kind === "evaluated") {
      unevaluated.delete(event.round);
      evaluations.known(event.round);
    }
    const step = transition(state, event);
    state = step.state;
    for (const effect of step.effects) note(effect, payload);
    if (event.kind === "update-arrived") numbers.drop(event.participantId);
  }
  return { state, plan, updates, unevaluated };
}

/** Throws when the payload is not what the machine once accepted: the program or the model is another one. */
function changesOf(
  state: RunState,
  { participantId, round }: { readonly participantId: string; readonly round: number },
  payload: Uint8Array,
): Float32Array {
  const member = "members" in state ? state.members.get(participantId) : undefined;
  const decoded = decodeSparseValues(payload, {
    round,
    valueCount: keptValueCount(state.adapter, member?.assignment.dropoutRate ?? 0),
    valueType: state.config.valueType,
  });
  if (decoded.kind === "refused")
    throw new Error(
      `the log's update of ${participantId} in round ${round} does not fit: ${decoded.message}`,
    );
  return decoded.values;
}
