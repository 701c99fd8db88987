/** All participants' connections: who is who, and what they are told. */

import { LOADING_ROOM } from "@fedlodrop/federation";
import type {
  ClientToServerEvents,
  Fault,
  Join,
  Joined,
  RefusalReason,
  Refused,
  RunDescription,
  ServerToClientEvents,
} from "@fedlodrop/protocol";
import type { Server } from "socket.io";
import type { Clock } from "../clock.ts";
import type { Journal } from "../runs/journal.ts";
import type { LiveRun } from "../runs/live-run.ts";
import type { Access } from "../security/access.ts";
import { senderOf } from "../security/address.ts";
import type { Limits } from "../security/limits.ts";
import { createThrottle } from "../security/throttle.ts";
import { createWaitingRoom } from "../security/waiting-room.ts";
import type { Turns } from "../turns.ts";
import { refused } from "./edge.ts";
import type { Lanes } from "./lanes.ts";
import type { LessonRoom } from "./lesson-room.ts";
import { type ParticipantDesk, type ParticipantSocket, serveParticipant } from "./participant-socket.ts";
import { partOf, type Sessions } from "./sessions.ts";
import { createUploads } from "./upload.ts";

export interface HubOptions {
  readonly io: Server<ClientToServerEvents, ServerToClientEvents>;
  readonly run: () => LiveRun;
  readonly lanes: () => Lanes;
  readonly sessions: Sessions<ParticipantSocket>;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly randomText: (bytes: number) => string;
  readonly limits: () => Limits;
  readonly trustProxy: boolean;
  readonly access: Access;
  readonly turns: Turns;
  readonly lesson: LessonRoom;
  /** A participant's message was refused. */
  readonly refusing: (reason: RefusalReason) => void;
}

export interface ParticipantHub {
  /** Sends to one participant, if it is connected. */
  tell<E extends keyof ServerToClientEvents>(
    participantId: string,
    event: E,
    message: Parameters<ServerToClientEvents[E]>[0],
  ): void;
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
  /** Whatever is on its way in from it is worth nothing any more. */
  forgetUpload(participantId: string): void;
}

export const describeRun = ({ runId, workload, state }: LiveRun): RunDescription => ({
  runId,
  config: state.config,
  modelVersion: workload.modelManifest.version,
  task: workload.task,
  adapter: workload.adapter,
});

export function openParticipantHub(options: HubOptions): ParticipantHub {
  const { io, run, lanes, sessions, journal, clock, randomText, limits, trustProxy, access, turns } = options;
  const { lesson } = options;
  const newcomers = createThrottle();
  /** By socket id: who joined over it. */
  const joinedAs = new Map<string, string>();
  /** By participant: where it last joined from. */
  const addresses = new Map<string, string>();
  const uploads = createUploads();
  const waitingRoom = createWaitingRoom();

  function sendAway(participantId: string, message: string): void {
    const why = refused("run-full", message);
    const socket = sessions.connection(participantId);
    waitingRoom.left(participantId);
    if (socket !== undefined) {
      gone(socket, "left");
      socket.emit("dismissed", why);
      socket.disconnect(true);
    }
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

  async function join(
    socket: ParticipantSocket,
    { nickname, token: known, resumesRound, code }: Join,
  ): Promise<Joined | Refused> {
    const knownId = known === undefined ? undefined : sessions.find(known);
    const joinedHere = (id: string | undefined): Refused | null => {
      // One connection is one participant, or a single tab could fill the run.
      const already = participantOf(socket);
      return already === undefined || already === id
        ? null
        : refused("duplicate", `join: this connection has joined as ${already} already`);
    };
    const other = joinedHere(knownId);
    if (other !== null) return other;
    if (knownId === undefined) {
      const sender = senderOf(socket.request, trustProxy);
      if (!(await newcomers.take(sender, limits().newcomersPerAddressAndMinute)))
        return refused("rate-limited", `join: too many newcomers from ${sender}, try again in a minute`);
      if (run().state.locked) return refused("run-locked", "the host has closed this run to newcomers");
      const refusal = await access.admit({ id: socket.id, nickname, address: sender, code });
      if (refusal !== null) return refusal;
      makeRoom(sender);
    }
    // From here on nothing waits, or two joins could get one identity.
    if (!socket.connected) return refused("unknown-participant", "join: the connection is gone");
    const participantId = knownId ?? sessions.nextId;
    const meanwhile = joinedHere(participantId);
    if (meanwhile !== null) return meanwhile;
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
    access.forget(socket.id);
    const address = senderOf(socket.request, trustProxy);
    addresses.set(participantId, address);
    waitingRoom.entered(participantId, address, clock.nowMs());
    const previous = sessions.connect(participantId, socket);
    if (previous !== undefined) {
      previous.emit("dismissed", refused("taken-over", "this participant has joined from another tab"));
      previous.disconnect(true);
    }
    joinedAs.set(socket.id, participantId);
    const { state, workload } = run();
    if (state.kind === "ended")
      socket.emit("run-ended", { reason: state.reason, roundsDone: state.records.length });
    // Who comes back may have missed its end.
    if (lesson.slide !== null || knownId !== undefined) socket.emit("lesson", lesson.slide);
    const deviceIndex = partOf(participantId, workload.deviceCount);
    await journal.durable();
    // What it was told while its connection was lost.
    run().secure.remind(participantId);
    return { kind: "joined", participantId, token, nickname, deviceIndex, run: describeRun(run()) };
  }

  function participantOf(socket: ParticipantSocket): string | undefined {
    const participantId = joinedAs.get(socket.id);
    const current = participantId !== undefined && sessions.connection(participantId) === socket;
    return current ? participantId : undefined;
  }

  /** The connection is gone, for good (`left`) or perhaps not. */
  function gone(socket: ParticipantSocket, kind: "left" | "disconnected"): void {
    const participantId = participantOf(socket);
    if (participantId === undefined) return;
    sessions.disconnect(participantId, socket);
    waitingRoom.left(participantId);
    run().dispatch({ kind, participantId, atMs: clock.nowMs() });
  }

  io.on("connection", (socket) => {
    const idle = setTimeout(() => {
      if (!joinedAs.has(socket.id) && !access.waits(socket.id)) socket.disconnect(true);
    }, limits().secondsToJoin * 1000);
    socket.once("disconnect", () => {
      clearTimeout(idle);
      access.forget(socket.id);
    });
    const desk: ParticipantDesk = {
      get run() {
        return run();
      },
      uploads,
      nowMs: () => clock.nowMs(),
      join,
      participantOf,
      left: (leaving) => gone(leaving, "left"),
      disconnected(leaving) {
        gone(leaving, "disconnected");
        joinedAs.delete(leaving.id);
      },
      turn: turns.next,
      work: turns.take,
      refused: options.refusing,
      loaded: (participantId) => waitingRoom.left(participantId),
      progressed: (participantId, progress) => lanes().progressed(participantId, progress),
      guessed: lesson.answer,
    };
    serveParticipant(socket, desk, limits());
  });

  return {
    forget(participantId) {
      lesson.forget(participantId);
      addresses.delete(participantId);
      uploads.close(participantId);
    },
    forgetUpload: (participantId) => uploads.close(participantId),
    tell(participantId, event, message) {
      const socket = sessions.connection(participantId);
      // The pair is checked by this function's type; Socket.IO's own cannot follow a generic event name.
      (socket?.emit as ((event: string, message: unknown) => void) | undefined)?.call(socket, event, message);
    },
    admit(waitingId, allowed) {
      if (!access.decide(waitingId, allowed)) return false;
      const socket = io.sockets.sockets.get(waitingId);
      if (allowed) socket?.emit("admitted");
      else {
        socket?.emit("dismissed", refused("not-admitted", "the host did not let you in"));
        socket?.disconnect(true);
      }
      return true;
    },
    inflict(participantId, fault) {
      const socket = sessions.connection(participantId);
      socket?.emit("chaos", fault);
      return socket !== undefined;
    },
    addressOf: (participantId) => addresses.get(participantId) ?? null,
    dismiss(participantId, why) {
      const socket = sessions.connection(participantId);
      if (socket === undefined) return;
      sessions.disconnect(participantId, socket);
      socket.emit("dismissed", why);
      socket.disconnect(true);
    },
  };
}
