/**
 * Rounds under secure aggregation as the coordinator drives them: the steps of packages/privacy, one deadline for each,
 * and what devices are told. Keys and shares are exchanged while devices train; their masked inputs come as uploads of the
 * run's machine, which also says when no more are awaited; signatures and shares of masks follow while the round closes.
 *
 * Nothing of it is stored: a coordinator that stops in an open round begins another one with fresh keys.
 */
import { isPresent, memberAtWork, type Refusal, type RunEvent, type RunState } from "@fedlodrop/federation";
import {
  type AnswerRefusal,
  awaited,
  beginMaskedSum,
  beginSecureRound,
  closeStep,
  type FromDevice,
  type Invited,
  type MaskedSum,
  packed,
  receive,
  type SecureRound,
  type SecureTerms,
  type SentToDevice,
  type ToDevice,
  unmaskingsOf,
} from "@fedlodrop/privacy";
import type { SecureAnswer, SecureStep } from "@fedlodrop/protocol";
import type { Pieces, SecureRecord } from "@fedlodrop/run";
import type { WorkInOrder } from "../turns.ts";
import type { Timers } from "./timers.ts";

export interface SecureRounds {
  begin(terms: SecureTerms, invited: readonly Invited[]): void;
  answer(participantId: string, answer: SecureAnswer): Refusal | null;
  /** Why this device cannot send an input of that size now, or null. */
  inputProblem(participantId: string, round: number, bytes: number): Refusal | null;
  /** Keeps an input until the machine has answered for it. */
  hold(participantId: string, input: Uint8Array): void;
  drop(participantId: string): void;
  /** Adds up what is held now. */
  fold(participantId: string): Pieces<void>;
  /** The last steps, once no more inputs are awaited; nothing of the round is known afterwards but what it gave. */
  finish(adapter: Float32Array, discard: boolean): Promise<SecurelyFinished>;
  /** Tells a device again what it was told last: it may have been away. */
  remind(participantId: string): void;
  /** Nobody waits any more for a device that this event says is gone. */
  noticed(event: RunEvent): void;
}

interface SecurelyFinished {
  readonly adapter: Float32Array;
  readonly secure: SecureRecord;
}

export interface SecureRoundsOptions {
  readonly timers: Timers;
  readonly work: WorkInOrder;
  tell(participantId: string, message: SecureStep): void;
  state(): RunState;
  /** It has missed a step: the round goes on without it. */
  leftOut(participantId: string, round: number, why: string): void;
  /** No sum will come of it: it need not go on. */
  failed(round: number): void;
}

/** Longest wait for the answers of a step; devices compute for a second or so. */
const STEP_SECONDS = 20;

const REASONS = {
  "wrong-step": "wrong-order",
  repeated: "duplicate",
  stranger: "not-in-cohort",
  unusable: "bad-message",
} as const satisfies Record<AnswerRefusal["cause"], Refusal["reason"]>;

interface OpenRound {
  readonly round: number;
  state: SecureRound;
  sum: MaskedSum | null;
  /** Whom nobody waits for any more. */
  readonly gone: Set<string>;
  /** By device and step: an acknowledgement may get lost, and then the same comes again. */
  readonly heard: Map<string, Uint8Array>;
  told: ReadonlyMap<string, ToDevice>;
  /** The last of them as it travels. */
  packed: { readonly of: ToDevice; readonly sent: SentToDevice } | null;
  /** Ends the wait for answers. */
  enough: () => void;
  problem: string | null;
}

export function createSecureRounds(options: SecureRoundsOptions): SecureRounds {
  const { timers, work, state: runState } = options;
  const inputs = new Map<string, Uint8Array>();
  let open: OpenRound | null = null;

  const stepOf = ({ state }: OpenRound): SecureRound["kind"] => state.kind;
  const isComplete = ({ state, gone }: OpenRound): boolean => awaited(state).every((id) => gone.has(id));

  /** All have answered who will, or time is up. */
  function answers(mine: OpenRound): Promise<void> {
    return new Promise((resolve) => {
      mine.enough = () => {
        timers.stop(STEP_TIMER);
        mine.enough = () => {};
        resolve();
      };
      timers.start(STEP_TIMER, 1000 * STEP_SECONDS, mine.enough);
      if (isComplete(mine)) mine.enough();
    });
  }

  /** Ends the step with the answers that are there, and tells who is still in it. Says why there is no next step, or null. */
  async function close(mine: OpenRound): Promise<string | null> {
    const { state } = mine;
    if (state.kind === "reveals") throw new Error("secure round: its last step is ended by unmasking");
    const closed = await work(closeStep(state));
    if (closed.kind === "over") return closed.message;
    mine.state = closed.state;
    mine.told = closed.messages;
    if (closed.state.kind === "inputs") mine.sum = beginMaskedSum(closed.state.coverage);
    await work(tellAll(mine));
    return null;
  }

  function tell(mine: OpenRound, participantId: string): void {
    const message = mine.told.get(participantId);
    if (message === undefined) return;
    // Many are told the same.
    if (mine.packed?.of !== message) mine.packed = { of: message, sent: packed(message) };
    options.tell(participantId, { round: mine.round, ...mine.packed.sent } as SecureStep);
  }

  function* tellAll(mine: OpenRound): Pieces<void> {
    for (const id of mine.told.keys()) {
      yield;
      tell(mine, id);
    }
  }

  /** Until devices may send what they have learnt. */
  async function prepare(mine: OpenRound): Promise<void> {
    for (let step = 0; step < 2; step++) {
      await answers(mine);
      if (open !== mine || mine.problem !== null) return;
      const { kind } = mine.state;
      const silent = awaited(mine.state);
      const problem = await close(mine);
      if (open !== mine || mine.problem !== null) return;
      if (problem !== null) {
        mine.problem = problem;
        return options.failed(mine.round);
      }
      for (const id of silent)
        options.leftOut(id, mine.round, `${kind}: they had not come after ${STEP_SECONDS} s`);
    }
  }

  /** The sum, or why there is none. */
  async function unmask(
    mine: OpenRound,
    adapter: Float32Array,
  ): Promise<{ readonly adapter: Float32Array; readonly counted: number } | string> {
    for (let step = 0; step < 2; step++) {
      const problem = await close(mine);
      if (problem !== null) return problem;
      await answers(mine);
      if (open !== mine) return "the run is over";
    }
    const { state, sum } = mine;
    if (state.kind !== "reveals" || sum === null) throw new Error(`secure round: unmasked in ${state.kind}`);
    const unmaskings = await work(unmaskingsOf(state));
    return "kind" in unmaskings ? unmaskings.message : work(sum.finish(adapter, unmaskings));
  }

  function* addUp(mine: OpenRound | null, id: string, input: Uint8Array | undefined): Pieces<void> {
    if (input === undefined || mine?.state.kind !== "inputs" || mine.sum === null)
      throw new Error(`secure round: expected an input of ${id} while inputs are awaited`);
    const next = receive(mine.state, id, { kind: "input", bytes: input });
    if (next.kind === "refused") throw new Error(`secure round: ${next.message}`);
    yield* mine.sum.add(mine.state.coverage.roster.places.get(id) as number, input);
    mine.state = next;
  }

  function openIn(round: number): OpenRound | Refusal {
    if (open?.round === round) return open;
    return open !== null && round < open.round
      ? refuse("stale-round", `round: expected ${open.round}, got ${round}`)
      : refuse("not-running", `round ${round}: it is not open under secure aggregation`);
  }

  return {
    begin(terms, invited) {
      open = {
        round: terms.round,
        state: beginSecureRound(terms, invited),
        sum: null,
        gone: new Set(),
        heard: new Map(),
        told: new Map(),
        packed: null,
        enough: () => {},
        problem: null,
      };
      inputs.clear();
      const mine = open;
      prepare(mine).catch((error: unknown) => {
        mine.problem = messageOf(error);
        options.failed(mine.round);
      });
    },
    answer(participantId, { round, kind, bytes }) {
      const mine = openIn(round);
      if ("reason" in mine) return mine;
      const key = `${participantId} ${kind}`;
      const before = mine.heard.get(key);
      if (before !== undefined)
        return isSame(before, bytes)
          ? null
          : refuse("duplicate", `${kind}: ${participantId} has answered otherwise`);
      const next = receive(mine.state, participantId, { kind, bytes } as FromDevice);
      if (next.kind === "refused") return refuse(REASONS[next.cause], next.message);
      mine.state = next;
      mine.heard.set(key, bytes);
      if (isComplete(mine)) mine.enough();
      return null;
    },
    inputProblem(participantId, round, bytes) {
      // What the run's machine says comes first: who is in the round at all, and whether it takes updates.
      const member = memberAtWork(runState(), participantId, round);
      if (member.kind === "refuse") return member;
      const mine = openIn(round);
      if ("reason" in mine) return mine;
      const { state, sum } = mine;
      if (state.kind !== "inputs" || sum === null)
        return refuse("wrong-order", `input: expected ${state.kind} first`);
      const place = state.coverage.roster.places.get(participantId);
      if (place === undefined || !state.senders.includes(participantId))
        return refuse("not-in-cohort", `input: ${participantId} has not shared its secrets in this round`);
      const expected = sum.inputBytes(place);
      return bytes === expected
        ? null
        : refuse(
            bytes > expected ? "too-large" : "wrong-length",
            `input: expected ${expected} bytes, got ${bytes}`,
          );
    },
    hold: (participantId, input) => void inputs.set(participantId, input),
    drop: (participantId) => void inputs.delete(participantId),
    fold(participantId) {
      // Looked up now: it is dropped as soon as the machine has answered.
      return addUp(open, participantId, inputs.get(participantId));
    },
    async finish(adapter, discard) {
      await work(inOnePiece(() => {})); // inputs that came last are added up first
      const mine = open;
      // Of a round that this process has not seen anything may have been sent.
      const sent = mine === null || mine.sum !== null;
      const none = (problem: string | null): SecurelyFinished => ({
        adapter,
        secure: { counted: 0, problem, sent },
      });
      if (mine === null) return none("the coordinator was stopped in the middle of the round");
      if (stepOf(mine) !== "inputs") mine.problem ??= "the round closed before devices had exchanged keys";
      const result = mine.problem ?? (discard ? null : await unmask(mine, adapter).catch(messageOf));
      mine.enough();
      if (open === mine) open = null;
      if (result === null || typeof result === "string") return none(result);
      return { adapter: result.adapter, secure: { counted: result.counted, problem: null, sent } };
    },
    remind(participantId) {
      if (open !== null) tell(open, participantId);
    },
    noticed(event) {
      if (open === null) return;
      const { gone } = open;
      if (event.kind === "left") gone.add(event.participantId);
      else if (event.kind === "grace-passed") {
        // Of a connection that was lost before: whoever has come back since is here.
        const participant = runState().participants.get(event.participantId);
        if (participant !== undefined && isPresent(participant)) return;
        gone.add(event.participantId);
      } else if (event.kind === "joined" && event.resumesRound !== open.round) gone.add(event.participantId);
      else if (event.kind === "command" && event.command.kind === "kick")
        gone.add(event.command.participantId);
      else return;
      if (isComplete(open)) open.enough();
    },
  };
}

const STEP_TIMER = "step of secure aggregation";

const refuse = (reason: Refusal["reason"], message: string): Refusal => ({ kind: "refuse", reason, message });

/** Of settings whose sums fit into no number, above all: the round comes to nothing, and the run says why. */
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const isSame = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

// biome-ignore lint/correctness/useYield: as other work, in one piece
function* inOnePiece<T>(work: () => T): Pieces<T> {
  return work();
}
