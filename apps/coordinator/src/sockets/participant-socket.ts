/** A participant's connection: message → schema → event → transition → reply. Nothing is decided here. */
import { memberAtWork, outOfRange, type Refusal } from "@fedlodrop/federation";
import {
  type ClientToServerEvents,
  decodeInPieces,
  deviceEvaluatedSchema,
  type ExpectedValues,
  type Guess,
  guessSchema,
  joinSchema,
  PROTOCOL_VERSION,
  progressSchema,
  type Received,
  type RefusalReason,
  type Refused,
  readySchema,
  type ServerToClientEvents,
  secureAnswerSchema,
  uploadBeginSchema,
  uploadChunkSchema,
  uploadEndSchema,
} from "@fedlodrop/protocol";
import { keptValueCount, type Pieces } from "@fedlodrop/run";
import type { Socket } from "socket.io";
import { z } from "zod";
import type { LiveRun } from "../runs/live-run.ts";
import type { Limits } from "../security/limits.ts";
import { chunkCost, createRateLimit } from "../security/rate-limit.ts";
import { accepted, asReply, parse, refused, replyOf } from "./edge.ts";
import { takeChunk, type Upload, type Uploads } from "./upload.ts";

export type ParticipantSocket = Socket<ClientToServerEvents, ServerToClientEvents>;

/** What a connection needs of the coordinator. */
export interface ParticipantDesk {
  readonly run: LiveRun;
  readonly uploads: Uploads;
  nowMs(): number;
  /** Admits the socket as a participant, known by its token or new. */
  join(socket: ParticipantSocket, message: z.infer<typeof joinSchema>): unknown;
  /** Participant of this socket, unless another connection has taken over. */
  participantOf(socket: ParticipantSocket): string | undefined;
  left(socket: ParticipantSocket): void;
  disconnected(socket: ParticipantSocket): void;
  /** Resolves when work that takes long may be done. */
  turn(): Promise<void>;
  /** Does it in pieces, beside what others ask for. */
  work<T>(pieces: Pieces<T>): Promise<T>;
  /** A message was answered with a refusal. */
  refused(reason: RefusalReason): void;
  /** It is ready: it loads no longer. */
  loaded(participantId: string): void;
  progressed(participantId: string, progress: z.infer<typeof progressSchema>): void;
  /** Null when its answer counts. */
  guessed(participantId: string, guess: Guess): Refused | null;
}

/** Decoded, finite and within range; or why not. */
function* usable(bytes: Uint8Array, expected: ExpectedValues) {
  const decoded = yield* decodeInPieces(bytes, expected);
  if (decoded.kind === "refused") return decoded;
  const message = yield* outOfRange(decoded.values);
  return message === null ? decoded : ({ kind: "refused", reason: "out-of-range", message } as const);
}

/** In events: a connection joins once, and again after it was lost, when it is another. */
const JOIN_COST = 10;
/** Steps that a page may report: the view is drawn five times a second. More are dropped, so that they cost a fast
 *  device nothing that it needs for its upload. */
const PROGRESS_PER_SECOND = 20;

export function serveParticipant(socket: ParticipantSocket, desk: ParticipantDesk, limits: Limits): void {
  const limit = createRateLimit(limits.eventsPerSecond, limits.eventBurst);
  const progressLimit = createRateLimit(PROGRESS_PER_SECOND, PROGRESS_PER_SECOND);
  const received = (bytes: number): Received => ({ kind: "received", received: bytes });

  function answering(args: readonly unknown[]): (answer: unknown) => void {
    const reply = replyOf(args);
    return (answer) => {
      const { kind, reason } = (answer ?? {}) as Partial<Refused>;
      if (kind === "refused" && reason !== undefined) desk.refused(reason);
      reply(answer);
    };
  }

  /** Checks rate, schema and identity before `handle` sees a message. */
  function on<T>(
    event: keyof ClientToServerEvents,
    schema: z.ZodType<T>,
    handle: (message: T, participantId: string) => unknown,
  ): void {
    socket.on(event as "join", async (...args: unknown[]) => {
      const reply = answering(args);
      if (!limit.take(desk.nowMs()))
        return reply(refused("rate-limited", `${event}: too many messages, slow down`));
      const participantId = desk.participantOf(socket);
      if (participantId === undefined) return reply(refused("unknown-participant", `${event}: join first`));
      const message = parse(schema, args[0]);
      reply(message.kind === "refused" ? message : await handle(message.value, participantId));
    });
  }

  socket.on("join", async (...args: unknown[]) => {
    const reply = answering(args);
    if (!limit.take(desk.nowMs(), JOIN_COST))
      return reply(refused("rate-limited", "join: too many messages, slow down"));
    // The version first: another version's message need not fit this one's schema.
    const version = z.object({ protocolVersion: z.int() }).safeParse(args[0]);
    if (version.success && version.data.protocolVersion !== PROTOCOL_VERSION)
      return reply(
        refused(
          "protocol-version",
          `protocol: expected version ${PROTOCOL_VERSION}, got ${version.data.protocolVersion}; reload the page`,
        ),
      );
    const message = parse(joinSchema, args[0]);
    reply(message.kind === "refused" ? message : await desk.join(socket, message.value));
  });

  socket.on("ping", (...args: unknown[]) => {
    const reply = answering(args);
    if (limit.take(desk.nowMs())) reply(accepted);
    else reply(refused("rate-limited", "ping: too many messages, slow down"));
  });

  on("ready", readySchema, ({ runId, ...device }, participantId) => {
    const { run } = desk;
    if (runId !== run.runId)
      return refused(
        "wrong-state",
        `ready: expected run ${run.runId}, got ${runId}; load what it needs first`,
      );
    const refusal = run.dispatch({ kind: "ready", participantId, device, atMs: desk.nowMs() });
    if (refusal === null) desk.loaded(participantId);
    return asReply(refusal);
  });

  socket.on("progress", (...args: unknown[]) => {
    if (!progressLimit.take(desk.nowMs())) return;
    const participantId = desk.participantOf(socket);
    const message = parse(progressSchema, args[0]);
    if (participantId !== undefined && message.kind === "parsed")
      desk.progressed(participantId, message.value);
  });

  on("guess", guessSchema, (guess, participantId) => desk.guessed(participantId, guess) ?? accepted);

  /** Why a masked input of that size cannot be taken; noted against its sender, as other unusable uploads are. */
  function inputMisfit(participantId: string, round: number, bytes: number): unknown {
    const { run } = desk;
    const misfit = run.state.config.secureAggregation
      ? run.secure.inputProblem(participantId, round, bytes)
      : null;
    if (misfit === null) return null;
    const { reason, message } = misfit;
    const unusable = { kind: "update-unusable", participantId, round, reason, message } as const;
    return asReply(run.dispatch({ ...unusable, atMs: desk.nowMs() }));
  }

  on("secure-answer", secureAnswerSchema, (answer, participantId) => {
    const { run } = desk;
    run.traffic.received(participantId, answer.round, answer.bytes.length);
    return asReply(run.secure.answer(participantId, answer));
  });

  on("upload-begin", uploadBeginSchema, (terms, participantId) => {
    const { round, bytes } = terms;
    const misfit = inputMisfit(participantId, round, bytes);
    if (misfit !== null) return misfit;
    const refusal = desk.run.dispatch({
      kind: "upload-begun",
      participantId,
      round,
      bytes,
      atMs: desk.nowMs(),
    });
    // Only an announcement of the right size gets memory.
    return refusal === null ? received(desk.uploads.open(participantId, terms).received) : asReply(refusal);
  });

  socket.on("upload-chunk", (...args: unknown[]) => {
    const reply = answering(args);
    const [header, chunk] = args;
    const cost = chunk instanceof Uint8Array ? chunkCost(chunk.byteLength) : 1;
    if (!limit.take(desk.nowMs(), cost))
      return reply(refused("rate-limited", "upload-chunk: too many messages, slow down"));
    let isNew = false;
    const answer = ((): Received | Refused => {
      const participantId = desk.participantOf(socket);
      if (participantId === undefined) return refused("unknown-participant", "upload-chunk: join first");
      const message = parse(uploadChunkSchema, header);
      if (message.kind === "refused") return message;
      if (!(chunk instanceof Uint8Array)) return refused("bad-message", "chunk: expected bytes");
      const upload = desk.uploads.of(participantId);
      const before = upload?.received;
      const misfit =
        upload?.round === message.value.round
          ? takeChunk(upload, message.value, chunk)
          : notOpen(memberAtWork(desk.run.state, participantId, message.value.round), message.value.round);
      if (misfit !== null) return refused(misfit.reason, misfit.message);
      desk.run.traffic.received(participantId, message.value.round, chunk.byteLength);
      isNew = upload?.received !== before;
      return received(upload?.received ?? 0);
    })();
    if (!isNew) limit.take(desk.nowMs(), 1 - cost);
    reply(answer);
  });

  /** A round that closes forgets the uploads of those who are late: they should hear that, not that they did wrong. */
  function notOpen(
    member: ReturnType<typeof memberAtWork>,
    round: number,
  ): Pick<Refusal, "reason" | "message"> {
    return member.kind === "refuse"
      ? member
      : { reason: "wrong-order", message: `chunk of round ${round}: expected upload-begin first` };
  }

  on("upload-end", uploadEndSchema, async ({ round, statistics }, participantId) => {
    await desk.turn(); // a cohort ends its uploads together
    const { run } = desk;
    const atMs = desk.nowMs();
    const upload = desk.uploads.of(participantId);
    const member = memberAtWork(run.state, participantId, round);
    const unusable = ({ reason, message }: Pick<Refusal, "reason" | "message">) =>
      asReply(run.dispatch({ kind: "update-unusable", participantId, round, reason, message, atMs }));
    if (member.kind === "refuse") return unusable(member);
    if (upload?.round !== round)
      return unusable({ reason: "wrong-order", message: "upload-end: expected upload-begin first" });
    const { dropoutRate } = member.assignment;
    // Who ends it again while it is being checked hears the same.
    upload.answer ??= answerTo(upload).finally(() => {
      if (desk.uploads.of(participantId) === upload) desk.uploads.close(participantId);
    });
    return upload.answer;

    async function answerTo({ received: got, bytes, buffer }: Upload): Promise<unknown> {
      if (got !== bytes)
        return unusable({ reason: "wrong-length", message: `upload: expected ${bytes} bytes, got ${got}` });
      const arrived = { kind: "update-arrived", participantId, round, statistics, atMs } as const;
      if (run.state.config.secureAggregation) {
        const misfit = inputMisfit(participantId, round, bytes);
        if (misfit !== null) return misfit;
        const refusal = run.submitMasked(arrived, buffer);
        await run.durable();
        return asReply(refusal);
      }
      const { adapter, config } = run.state;
      const valueCount = keptValueCount(adapter, dropoutRate);
      const changes = await desk.work(usable(buffer, { round, valueCount, valueType: config.valueType }));
      if (desk.run !== run) return refused("stale-round", `round ${round}: the host has set up a new run`);
      if (changes.kind === "refused") return unusable(changes);
      const refusal = run.submit(arrived, changes.values, buffer);
      // What is accepted stays so, whatever happens to this process.
      await run.durable();
      return asReply(refusal);
    }
  });

  on("evaluated", deviceEvaluatedSchema, (message, participantId) => {
    const problem = desk.run.deviceEvaluated(participantId, message);
    return problem === null ? accepted : refused("stale-round", problem);
  });

  socket.on("leave", (...args: unknown[]) => {
    desk.left(socket);
    replyOf(args)(undefined);
  });
  socket.on("disconnect", () => desk.disconnected(socket));
}
