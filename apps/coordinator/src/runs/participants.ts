/** Who takes part: identities, who is let in, what is done about what they say, and what they are told. */
import {
  endOf,
  givenSoFar,
  isAnnouncedOver,
  isReady,
  LOADING_ROOM,
  memberAtWork,
  type Refusal,
  type RunState,
} from "@fedlodrop/federation";
import type {
  Accepted,
  Fault,
  Join,
  Joined,
  Refused,
  RoundEvaluated,
  RunDescription,
  ServerToClientEvents,
  UploadBegin,
} from "@fedlodrop/protocol";
import { keptValueCount, ofArm } from "@fedlodrop/run";
import type { Clock } from "../clock.ts";
import { accepted, asReply, refused } from "../edge.ts";
import type {
  CheckedUpdate,
  Departure,
  ExpectedUpload,
  Newcomer,
  RunSide,
  SocketSide,
} from "../gateway/run-side.ts";
import type { Access } from "../security/access.ts";
import type { Limits } from "../security/limits.ts";
import { createThrottle } from "../security/throttle.ts";
import { createWaitingRoom } from "../security/waiting-room.ts";
import type { Journal } from "./journal.ts";
import type { Lanes } from "./lanes.ts";
import type { LessonRoom } from "./lesson-room.ts";
import type { LiveRun } from "./live-run.ts";
import type { Sessions } from "./sessions.ts";

export interface ParticipantsOptions {
  readonly sockets: SocketSide;
  readonly run: () => LiveRun;
  readonly lanes: () => Lanes;
  readonly sessions: Sessions<string>;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly randomText: (bytes: number) => string;
  readonly limits: () => Limits;
  readonly access: Access;
  readonly lesson: LessonRoom;
}

export interface Participants extends RunSide {
  /** Sends to one participant, if it is connected. */
  tell<E extends keyof ServerToClientEvents>(
    participantId: string,
    event: E,
    ...message: Parameters<ServerToClientEvents[E]>
  ): void;
  /** Has it load the texts of this part; it may not take for ever. */
  deal(participantId: string, part: number): void;
  /** The host's word on a newcomer that waits for it; false when nobody of this id does. */
  admit(waitingId: string, allowed: boolean): boolean;
  /** The presenter's fault on a device, which it carries out itself; false when it is not connected. */
  inflict(participantId: string, fault: Fault | null): boolean;
  /** Where a participant last joined from; null when that is not known. */
  addressOf(participantId: string): string | null;
  /** Tells a participant why and closes its connection. */
  dismiss(participantId: string, why: Refused): void;
  /** It will not come back as the same. */
  forget(participantId: string): void;
}

export const describeRun = ({ runId, workload, state }: LiveRun): RunDescription => ({
  runId,
  config: state.config,
  modelVersion: workload.modelManifest.version,
  task: workload.task,
  adapter: workload.adapter,
});

/** Of the run's own arm. */
function lastEvaluated({ records, baseTestLoss }: RunState): RoundEvaluated | undefined {
  const last = ofArm(records, 0).findLast(({ testLoss }) => testLoss !== null);
  if (last === undefined && baseTestLoss === null) return;
  const { round, testLoss, turn } = last ?? { round: 0, testLoss: baseTestLoss, turn: undefined };
  return { round, testLoss, baseTestLoss, isOwn: true, turn };
}

export function openParticipants(options: ParticipantsOptions): Participants {
  const { sockets, run, lanes, sessions, journal, clock, randomText, limits, access, lesson } = options;
  const newcomers = createThrottle();
  /** By connection: who joined over it. */
  const joinedAs = new Map<string, string>();
  /** Connections that are being let in. */
  const joining = new Set<string>();
  /** By participant: where it last joined from. */
  const addresses = new Map<string, string>();
  const waitingRoom = createWaitingRoom();

  function sendAway(participantId: string, message: string): void {
    const connection = sessions.connection(participantId);
    waitingRoom.left(participantId);
    if (connection === undefined) return;
    leave(connection, "left");
    sockets.dismiss(connection, refused("run-full", message));
  }

  /** Who loads for too long, or comes first from a busy address, makes room for a newcomer. */
  function makeRoom(sender: string): void {
    const { secondsToLoad } = limits();
    for (const id of waitingRoom.enteredBefore(clock.nowMs() - 1000 * secondsToLoad))
      sendAway(id, `this device was not ready within ${Math.round(secondsToLoad / 60)} minutes: join again`);
    if (waitingRoom.size < run().state.config.maxParticipants + LOADING_ROOM) return;
    const first = waitingRoom.giveWay(sender);
    if (first !== undefined) sendAway(first, "too many devices of your network are loading: join again");
  }

  async function admit(newcomer: Newcomer, message: Join): Promise<Joined | Refused> {
    const { connection, address } = newcomer;
    const { nickname, token: known, resumesRound, code } = message;
    const knownId = known === undefined ? undefined : sessions.find(known);
    const already = participantOf(connection);
    // One connection is one participant, or a single tab could fill the run.
    if (already !== undefined && already !== knownId)
      return refused("duplicate", `join: this connection has joined as ${already} already`);
    if (knownId === undefined) {
      if (!(await newcomers.take(address, limits().newcomersPerAddressAndMinute)))
        return refused("rate-limited", `join: too many newcomers from ${address}, try again in a minute`);
      if (run().state.locked) return refused("run-locked", "the host has closed this run to newcomers");
      const refusal = await access.admit({ id: connection, nickname, address, code });
      if (refusal !== null) return refusal;
      makeRoom(address);
    }
    // From here on nothing waits, or two joins could get one identity.
    if (!joining.has(connection)) return refused("unknown-participant", "join: the connection is gone");
    const participantId = knownId ?? sessions.nextId;
    const refusal = run().dispatch({
      kind: "joined",
      participantId,
      nickname,
      resumesRound: resumesRound ?? null,
      atMs: clock.nowMs(),
    });
    if (refusal !== null) return refused(refusal.reason, refusal.message);
    const token = knownId === undefined ? randomText(24) : (known as string);
    if (knownId === undefined) journal.keep({ kind: "session", ...sessions.add(token) });
    access.forget(connection);
    addresses.set(participantId, address);
    waitingRoom.entered(participantId, address, clock.nowMs());
    const previous = sessions.connect(participantId, connection);
    if (previous !== undefined)
      sockets.dismiss(previous, refused("taken-over", "this participant has joined from another tab"));
    joinedAs.set(connection, participantId);
    const { state } = run();
    if (isAnnouncedOver(state)) sockets.tell(connection, "run-ended", endOf(state));
    // Who comes back may have missed its end.
    if (lesson.slide !== null || knownId !== undefined) sockets.tell(connection, "lesson", lesson.slide);
    await journal.durable();
    // What it was told while its connection was lost.
    run().secure.remind(participantId);
    const part = partOf(participantId) as number;
    const given = givenSoFar(run().state, participantId);
    return {
      kind: "joined",
      participantId,
      token,
      nickname,
      part,
      run: describeRun(run()),
      given,
      evaluated: lastEvaluated(run().state),
    };
  }

  const partOf = (participantId: string): number | null =>
    run().state.participants.get(participantId)?.part ?? null;

  function participantOf(connection: string): string | undefined {
    const participantId = joinedAs.get(connection);
    const isCurrent = participantId !== undefined && sessions.connection(participantId) === connection;
    return isCurrent ? participantId : undefined;
  }

  function leave(connection: string, kind: Departure): void {
    const participantId = participantOf(connection);
    if (participantId === undefined) return;
    sessions.disconnect(participantId, connection);
    waitingRoom.left(participantId);
    if (kind === "gateway-lost") run().awaitReturn(participantId);
    else run().dispatch({ kind, participantId, atMs: clock.nowMs() });
  }

  /** @returns what the machine says, which is something else where no update is due any more */
  function noteUnusable(
    participantId: string,
    round: number,
    { reason, message }: Pick<Refusal, "reason" | "message">,
  ): Refused {
    const event = { kind: "update-unusable", participantId, round, reason, message } as const;
    const refusal = run().dispatch({ ...event, atMs: clock.nowMs() });
    return refused(refusal?.reason ?? reason, refusal?.message ?? message);
  }

  /** Why a masked input of that size cannot be taken; noted against its sender, as other unusable uploads are. */
  function inputMisfit(participantId: string, round: number, bytes: number): Refused | null {
    if (!run().state.config.secureAggregation) return null;
    const misfit = run().secure.inputProblem(participantId, round, bytes);
    return misfit && noteUnusable(participantId, round, misfit);
  }

  function beginUpload(participantId: string, { round, bytes }: UploadBegin): ExpectedUpload | Refused {
    const misfit = inputMisfit(participantId, round, bytes);
    if (misfit !== null) return misfit;
    const { runId, state, dispatch } = run();
    const refusal = dispatch({ kind: "upload-begun", participantId, round, bytes, atMs: clock.nowMs() });
    if (refusal !== null) return refused(refusal.reason, refusal.message);
    const member = memberAtWork(state, participantId, round);
    if (member.kind === "refuse") return refused(member.reason, member.message);
    const valueCount = keptValueCount(state.adapter, member.assignment.dropoutRate);
    const { secureAggregation, valueType } = state.config;
    return { kind: "open", runId, values: secureAggregation ? null : { round, valueCount, valueType } };
  }

  /** Accepted, once what has happened is kept. */
  async function submit(participantId: string, update: CheckedUpdate): Promise<Accepted | Refused> {
    const now = run();
    const { runId, round, statistics, bytes, changes } = update;
    if (now.runId !== runId) return refused("stale-round", `round ${round}: the host has set up a new run`);
    const arrived = {
      kind: "update-arrived",
      participantId,
      round,
      statistics,
      atMs: clock.nowMs(),
    } as const;
    const misfit = inputMisfit(participantId, round, bytes.byteLength);
    if (misfit !== null) return misfit;
    const refusal = changes === null ? now.submitMasked(arrived, bytes) : now.submit(arrived, changes, bytes);
    await now.durable();
    return asReply(refusal);
  }

  return {
    async join(newcomer, message) {
      joining.add(newcomer.connection);
      try {
        return await admit(newcomer, message);
      } finally {
        joining.delete(newcomer.connection);
      }
    },
    async ready(participantId, { runId, ...device }) {
      const now = run();
      if (runId !== now.runId)
        return refused(
          "wrong-state",
          `ready: expected run ${now.runId}, got ${runId}; load what it needs first`,
        );
      const refusal = now.dispatch({ kind: "ready", participantId, device, atMs: clock.nowMs() });
      // Who has been dealt other texts by that is loading still.
      const participant = now.state.participants.get(participantId);
      if (refusal === null && participant && isReady(participant)) waitingRoom.left(participantId);
      return asReply(refusal);
    },
    guess: async (participantId, guess) => lesson.answer(participantId, guess) ?? accepted,
    async secureAnswer(participantId, answer) {
      run().traffic.received(participantId, answer.round, answer.bytes.length);
      return asReply(run().secure.answer(participantId, answer));
    },
    beginUpload: async (participantId, terms) => beginUpload(participantId, terms),
    unusable: async (participantId, runId, round, why) =>
      runId === null || runId === run().runId
        ? noteUnusable(participantId, round, why)
        : refused("stale-round", `round ${round}: the host has set up a new run`),
    submit,
    async evaluated(participantId, message) {
      const problem = run().deviceEvaluated(participantId, message);
      return problem === null ? accepted : refused("stale-round", problem);
    },
    async member(participantId, round) {
      const { runId, state } = run();
      const member = memberAtWork(state, participantId, round);
      if (member.kind === "refuse") return refused(member.reason, member.message);
      return { kind: "member", runId, dropoutRate: member.assignment.dropoutRate };
    },
    async holderOf(token) {
      const id = sessions.find(token);
      return id === undefined || run().state.participants.get(id)?.presence === "kicked" ? undefined : id;
    },
    partOf: async (participantId) => partOf(participantId),
    progressed: (participantId, progress) => lanes().progressed(participantId, progress),
    received: (participantId, round, bytes) => run().traffic.received(participantId, round, bytes),
    sent: (participantId, round, bytes) => run().traffic.sent(participantId, round, bytes),
    downloaded: (participantId) => lanes().downloaded(participantId),
    async gone(connection, kind) {
      leave(connection, kind);
      joining.delete(connection);
      joinedAs.delete(connection);
      access.forget(connection);
    },
    forget(participantId) {
      lesson.forget(participantId);
      addresses.delete(participantId);
    },
    tell(participantId, event, ...message) {
      const connection = sessions.connection(participantId);
      if (connection !== undefined) sockets.tell(connection, event, ...message);
    },
    deal(participantId, part) {
      const connection = sessions.connection(participantId);
      if (connection === undefined) return;
      waitingRoom.entered(participantId, null, clock.nowMs());
      sockets.tell(connection, "dealt", { part });
    },
    admit(waitingId, allowed) {
      if (!access.decide(waitingId, allowed)) return false;
      if (allowed) sockets.tell(waitingId, "admitted");
      else sockets.dismiss(waitingId, refused("not-admitted", "the host did not let you in"));
      return true;
    },
    inflict(participantId, fault) {
      const connection = sessions.connection(participantId);
      if (connection !== undefined) sockets.tell(connection, "chaos", fault);
      return connection !== undefined;
    },
    addressOf: (participantId) => addresses.get(participantId) ?? null,
    dismiss(participantId, why) {
      const connection = sessions.connection(participantId);
      if (connection === undefined) return;
      sessions.disconnect(participantId, connection);
      sockets.dismiss(connection, why);
    },
  };
}
