/**
 * `GET /api/sub-adapter?round=N`: what a member of the open round trains on, as a body that can be asked for from any
 * byte on. It is encoded once; how often a participant may ask is counted, because each answer costs the others.
 */
import { Readable } from "node:stream";
import { type Refused, roundQuerySchema } from "@fedlodrop/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { parse, refused } from "../edge.ts";
import type { MemberTerms, RunSide } from "../gateway/run-side.ts";
import type { Credentials } from "../security/credentials.ts";

export interface SubAdapterDesk extends Pick<RunSide, "member" | "sent" | "downloaded"> {
  encode(participantId: string, round: number, terms: MemberTerms): Promise<Uint8Array>;
  /** Resolves when another request may be looked at: a round's start brings all of them at once. */
  turn(): Promise<void>;
}

/** Whole answers a participant may have in a round: one, and another if it lost the first. */
const WHOLE_ANSWERS = 2;
/** Answers that begin where an earlier one broke off. */
const RESUMED_ANSWERS = 16;
/** Encoded payloads kept for answers to come; beyond, the oldest is encoded again when it is asked for. */
const CACHE_BYTES = 64 * 2 ** 20;
const PIECE_BYTES = 64 * 1024;

export function registerSubAdapters(
  http: FastifyInstance,
  credentials: Credentials,
  desk: SubAdapterDesk,
): void {
  const answersOf = createAnswers();
  const encoded = createCache(desk);
  /** Members are counted by what they get; strangers are turned away as everywhere. */
  const known = async (request: FastifyRequest, reply: FastifyReply) =>
    (await credentials.holderOf(request)) === undefined ? credentials.required(request, reply) : undefined;

  http.get("/api/sub-adapter", { preHandler: known }, async (request, reply) => {
    const participantId = (await credentials.holderOf(request)) as string;
    if (participantId === "host")
      return refuse(
        reply,
        403,
        refused("not-in-cohort", "sub-adapter: expected a participant's session token"),
      );
    const query = parse(roundQuerySchema, request.query);
    if (query.kind === "refused") return refuse(reply, 400, query);
    const { round } = query.value;
    await desk.turn();
    const member = await desk.member(participantId, round);
    if (member.kind === "refused") return refuse(reply, 409, member);

    const { bytes, etag } = await encoded(participantId, round, member);
    // Whoever waited for the same payload goes on in the same turn.
    await desk.turn();
    const from = resumesAt(request, etag);
    if (from >= bytes.byteLength)
      return refuse(
        reply.header("content-range", `bytes */${bytes.byteLength}`),
        416,
        refused(
          "bad-message",
          `sub-adapter: expected a range within ${bytes.byteLength} bytes, got ${from}-`,
        ),
      );
    const given = answersOf(participantId, `${member.runId}/${round}`);
    if (from === 0 ? given.whole >= WHOLE_ANSWERS : given.resumed >= RESUMED_ANSWERS)
      return refuse(reply, 429, refused("used-up", `round ${round}: its sub-adapter has been sent already`));
    given[from === 0 ? "whole" : "resumed"] += 1;

    const count = (piece: number): void => desk.sent(participantId, round, piece);
    const body = Readable.from(
      pieces(bytes, from, count, () => desk.downloaded(participantId)),
      { objectMode: false },
    );
    return reply
      .code(from === 0 ? 200 : 206)
      .headers({
        "accept-ranges": "bytes",
        "cache-control": "no-store",
        "content-length": bytes.byteLength - from,
        ...(from > 0 && { "content-range": `bytes ${from}-${bytes.byteLength - 1}/${bytes.byteLength}` }),
        etag,
      })
      .type("application/octet-stream")
      .send(body);
  });
}

const refuse = (reply: FastifyReply, code: number, why: Refused) =>
  reply.code(code).header("cache-control", "no-store").send(why);

/** First byte asked for; 0 for whatever is not `bytes=N-` of this very payload. */
function resumesAt({ headers }: FastifyRequest, etag: string): number {
  const from = /^bytes=(\d{1,15})-$/.exec(headers.range ?? "")?.[1];
  const isSame = headers["if-range"] === undefined || headers["if-range"] === etag;
  return from !== undefined && isSame ? Number(from) : 0;
}

/** Taken as the connection takes them: a slow one holds up nothing but itself. */
function* pieces(
  bytes: Uint8Array,
  from: number,
  sent: (byteCount: number) => void,
  done: () => void,
): Generator<Uint8Array> {
  for (let offset = from; offset < bytes.byteLength; offset += PIECE_BYTES) {
    const piece = bytes.subarray(offset, offset + PIECE_BYTES);
    yield piece;
    sent(piece.byteLength);
  }
  done();
}

interface Answers {
  whole: number;
  resumed: number;
}

/** Of the round that is open: earlier ones are forgotten. */
function createAnswers(): (participantId: string, roundOfRun: string) => Answers {
  let latest = { roundOfRun: "", given: new Map<string, Answers>() };
  return (participantId, roundOfRun) => {
    if (latest.roundOfRun !== roundOfRun) latest = { roundOfRun, given: new Map() };
    const known = latest.given.get(participantId) ?? { whole: 0, resumed: 0 };
    latest.given.set(participantId, known);
    return known;
  };
}

interface Encoded {
  readonly bytes: Uint8Array;
  /** Of the bytes, so that it also tells a restarted coordinator's payload from another. */
  readonly etag: string;
}

/** Payloads of one round, the most recently encoded: asked for and not there yet, or there. */
interface Kept {
  readonly roundOfRun: string;
  readonly encoded: Map<string, Promise<Encoded>>;
  /** Of those that are there. */
  readonly sizes: Map<string, number>;
  bytes: number;
}

const nothingKept = (roundOfRun: string): Kept => ({
  roundOfRun,
  encoded: new Map(),
  sizes: new Map(),
  bytes: 0,
});

/** Keeps those of the latest round. */
function createCache(
  desk: SubAdapterDesk,
): (participantId: string, round: number, terms: MemberTerms) => Promise<Encoded> {
  let latest = nothingKept("");
  return (participantId, round, terms) => {
    const roundOfRun = `${terms.runId}/${round}`;
    if (roundOfRun !== latest.roundOfRun) latest = nothingKept(roundOfRun);
    const kept = latest;
    const known = kept.encoded.get(participantId);
    if (known !== undefined) return known;
    const encoded = encode(desk, participantId, round, terms);
    kept.encoded.set(participantId, encoded);
    encoded.then(
      ({ bytes }) => keep(kept, participantId, bytes.byteLength),
      () => kept.encoded.delete(participantId),
    );
    return encoded;
  };
}

async function encode(
  desk: SubAdapterDesk,
  participantId: string,
  round: number,
  terms: MemberTerms,
): Promise<Encoded> {
  const bytes = await desk.encode(participantId, round, terms);
  // Beside the event loop, unlike a Hash.
  const digest = Buffer.from(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
  return { bytes, etag: `"${digest.toString("base64url").slice(0, 22)}"` };
}

function keep(kept: Kept, participantId: string, bytes: number): void {
  kept.sizes.set(participantId, bytes);
  kept.bytes += bytes;
  for (const [oldest, size] of kept.sizes) {
    if (kept.bytes <= CACHE_BYTES || oldest === participantId) return;
    kept.encoded.delete(oldest);
    kept.sizes.delete(oldest);
    kept.bytes -= size;
  }
}
