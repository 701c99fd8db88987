/** A participant's connection: message → schema → the run's side → reply. Nothing is decided here. */
import { outOfRange } from "@fedlodrop/federation";
import {
  type ClientToServerEvents,
  decodeInPieces,
  deviceEvaluatedSchema,
  type ExpectedValues,
  guessSchema,
  type Join,
  type Joined,
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
import type { Pieces } from "@fedlodrop/run";
import type { Socket } from "socket.io";
import { z } from "zod";
import { accepted, parse, refused, replyOf } from "../edge.ts";
import type { RunSide } from "../gateway/run-side.ts";
import type { Limits } from "../security/limits.ts";
import { chunkCost, createRateLimit } from "../security/rate-limit.ts";
import { takeChunk, type Upload, type Uploads } from "./upload.ts";

export type ParticipantSocket = Socket<ClientToServerEvents, ServerToClientEvents>;

/** What a connection needs of the process that holds it. */
export interface ParticipantDesk {
  readonly run: RunSide;
  readonly uploads: Uploads;
  nowMs(): number;
  /** Admits the socket as a participant, known by its token or new. */
  join(message: Join): Promise<Joined | Refused>;
  /** Participant of this socket, unless another connection has taken over. */
  participantId(): string | undefined;
  gone(kind: "left" | "disconnected"): Promise<void>;
  /** Resolves when work that takes long may be done. */
  turn(): Promise<void>;
  /** Does it in pieces, beside what others ask for. */
  work<T>(pieces: Pieces<T>): Promise<T>;
  /** A message was answered with a refusal. */
  refused(reason: RefusalReason): void;
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
      const participantId = desk.participantId();
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
    reply(message.kind === "refused" ? message : await desk.join(message.value));
  });

  socket.on("ping", (...args: unknown[]) => {
    const reply = answering(args);
    if (limit.take(desk.nowMs())) reply(accepted);
    else reply(refused("rate-limited", "ping: too many messages, slow down"));
  });

  on("ready", readySchema, (message, participantId) => desk.run.ready(participantId, message));

  socket.on("progress", (...args: unknown[]) => {
    if (!progressLimit.take(desk.nowMs())) return;
    const participantId = desk.participantId();
    const message = parse(progressSchema, args[0]);
    if (participantId !== undefined && message.kind === "parsed")
      desk.run.progressed(participantId, message.value);
  });

  on("guess", guessSchema, (guess, participantId) => desk.run.guess(participantId, guess));

  on("secure-answer", secureAnswerSchema, (answer, participantId) =>
    desk.run.secureAnswer(participantId, answer),
  );

  on("upload-begin", uploadBeginSchema, async (terms, participantId) => {
    const begun = await desk.run.beginUpload(participantId, terms);
    // Only an announcement of the right size gets memory.
    return begun.kind === "refused"
      ? begun
      : received(desk.uploads.open(participantId, terms, begun).received);
  });

  socket.on("upload-chunk", (...args: unknown[]) => {
    const reply = answering(args);
    const [header, chunk] = args;
    const cost = chunk instanceof Uint8Array ? chunkCost(chunk.byteLength) : 1;
    if (!limit.take(desk.nowMs(), cost))
      return reply(refused("rate-limited", "upload-chunk: too many messages, slow down"));
    let isNew = false;
    const answer = ((): Received | Refused | Promise<Refused> => {
      const participantId = desk.participantId();
      if (participantId === undefined) return refused("unknown-participant", "upload-chunk: join first");
      const message = parse(uploadChunkSchema, header);
      if (message.kind === "refused") return message;
      const { round } = message.value;
      if (!(chunk instanceof Uint8Array)) return refused("bad-message", "chunk: expected bytes");
      const upload = desk.uploads.of(participantId);
      if (upload?.round !== round) return notOpen(participantId, round);
      const before = upload.received;
      const misfit = takeChunk(upload, message.value, chunk);
      if (misfit !== null) return refused(misfit.reason, misfit.message);
      desk.run.received(participantId, round, chunk.byteLength);
      isNew = upload.received !== before;
      return received(upload.received);
    })();
    if (!isNew) limit.take(desk.nowMs(), 1 - cost);
    if (answer instanceof Promise) void answer.then(reply);
    else reply(answer);
  });

  /** A round that closes forgets the uploads of those who are late: they should hear that, not that they did wrong. */
  async function notOpen(participantId: string, round: number): Promise<Refused> {
    const member = await desk.run.member(participantId, round);
    return member.kind === "refused"
      ? member
      : refused("wrong-order", `chunk of round ${round}: expected upload-begin first`);
  }

  on("upload-end", uploadEndSchema, async ({ round, statistics }, participantId) => {
    await desk.turn(); // a cohort ends its uploads together
    const { run } = desk;
    const upload = desk.uploads.of(participantId);
    if (upload?.round !== round) {
      const message = "upload-end: expected upload-begin first";
      return run.unusable(participantId, null, round, { reason: "wrong-order", message });
    }
    // Who ends it again while it is being checked hears the same.
    upload.answer ??= answerTo(upload).finally(() => {
      if (desk.uploads.of(participantId) === upload) desk.uploads.close(participantId);
    });
    return upload.answer;

    async function answerTo({ received: got, bytes, buffer, runId, values }: Upload): Promise<unknown> {
      if (got !== bytes) {
        const message = `upload: expected ${bytes} bytes, got ${got}`;
        return run.unusable(participantId, runId, round, { reason: "wrong-length", message });
      }
      const decoded = values && (await desk.work(usable(buffer, values)));
      if (decoded?.kind === "refused") return run.unusable(participantId, runId, round, decoded);
      const changes = decoded?.values ?? null;
      return run.submit(participantId, { runId, round, statistics, bytes: buffer, changes });
    }
  });

  on("evaluated", deviceEvaluatedSchema, (message, participantId) =>
    desk.run.evaluated(participantId, message),
  );

  socket.on("leave", (...args: unknown[]) => {
    void desk.gone("left").then(() => replyOf(args)(undefined));
  });
  socket.on("disconnect", () => void desk.gone("disconnected"));
}
