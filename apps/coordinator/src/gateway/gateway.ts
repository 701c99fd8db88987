/**
 * A gateway: it holds participants' sockets, serves files, checks updates, keeps their bytes and folds them; what happens
 * in the run is decided by its owner, at the other end of a line. A gateway that has lost its line closes its
 * participants' connections, and they come back as after any lost connection: nothing else has to be put right.
 */
import { randomBytes } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type { HostToServerEvents, ServerToHostEvents } from "@fedlodrop/protocol";
import type { RunConfig } from "@fedlodrop/run";
import type { FastifyInstance } from "fastify";
import type { Namespace } from "socket.io";
import type { CoordinatorOptions } from "../coordinator.ts";
import { registerFiles } from "../http/files.ts";
import { openFront } from "../http/front.ts";
import type { RoundTerms } from "../runs/live-run.ts";
import type { RunFiles } from "../runs/workload.ts";
import { openCredentials } from "../security/credentials.ts";
import { limitsFor } from "../security/limits.ts";
import { openParticipantSockets } from "../sockets/participant-sockets.ts";
import type { StoredUpload } from "../store/run-store.ts";
import { workInOrder } from "../turns.ts";
import { type AskedOfGateway, LINE_VERSION, type ToGateway, type Welcome } from "./calls.ts";
import { CUT_OFF_MS } from "./gateways.ts";
import { askUntilAnswered, openOwnerLink } from "./owner-link.ts";
import { passHostsOn, passRequestsOn } from "./owner-proxy.ts";
import { createPartRoom, type PartRoom } from "./part-room.ts";
import type { Mail } from "./redis.ts";
import { createRemoteRounds, type RemoteRounds } from "./remote-rounds.ts";
import { openRemoteRun } from "./remote-run.ts";

export interface GatewayOptions
  extends Pick<
    CoordinatorOptions,
    "basePath" | "limits" | "log" | "origins" | "pagesDirectory" | "tls" | "trustProxy"
  > {
  readonly mail: Mail;
  /** Throws in one line what is wrong with the model or the task. */
  readonly loadFiles: (config: RunConfig) => Promise<RunFiles>;
  /** Keeps the bytes of an upload, of the run that the store calls so, where they survive this process. */
  readonly keep: (
    storeId: string,
    upload: { readonly round: number; readonly participantId: string; readonly bytes: Uint8Array },
  ) => Promise<StoredUpload>;
}

export interface Gateway {
  readonly http: FastifyInstance;
  /** Takes no new connections; resolves when the open round is over, or after that many seconds. */
  drain(seconds: number): Promise<void>;
  close(): Promise<void>;
}

/** Resolves when there is an owner, and its run's files are here: then it may listen. */
export async function buildGateway(options: GatewayOptions): Promise<Gateway> {
  const {
    mail,
    basePath = "/",
    origins = { allowed: [], required: false },
    trustProxy = false,
    log = () => {},
  } = options;
  let welcome: Welcome | null = null;
  let loaded: { readonly config: string; readonly files: RunFiles } | null = null;
  const files = (): RunFiles => {
    if (loaded === null) throw new Error("gateway: expected a run, got none yet");
    return loaded.files;
  };
  const limits = () => ({
    ...limitsFor(welcome?.run.config.maxParticipants ?? 1),
    ...options.limits,
  });
  let draining = false;
  /** Of this owner's run: rounds that are over, and who is told of the next. */
  let roundsOver = 0;
  let drained: () => void = () => {};
  /** Another gateway may reach what this one can't; who has only lost its owner will have one in a moment. */
  const cutOff = (): string | null =>
    mail.silentMs() > CUT_OFF_MS ? `Redis ${mail.name} does not answer` : null;
  const closed = (): string | null => (draining ? "the gateway is being closed" : cutOff());
  const front = openFront({
    tls: options.tls,
    basePath,
    origins,
    trustProxy,
    limits,
    log,
    closed,
  });
  const { http, io, turns } = front;
  http.addHook("onRequest", async ({ url }, reply) => {
    const reason = url.startsWith("/api") ? cutOff() : null;
    if (reason !== null) return reply.code(503).header("retry-after", "1").send({ error: reason });
  });
  const work = workInOrder(turns);

  /** @returns whether they are here, and the run is still the one that the owner has. */
  async function load(of: Welcome): Promise<boolean> {
    const text = JSON.stringify(of.run.config);
    const files = loaded?.config === text ? loaded.files : await options.loadFiles(of.run.config);
    // The host may have set up another one meanwhile, whose files were here sooner.
    if (welcome !== of) return false;
    loaded = { config: text, files };
    return true;
  }

  let parts: PartRoom | null = null;
  let rounds: RemoteRounds | null = null;
  let isReady: () => void = () => {};
  const ready = new Promise<void>((resolve) => {
    isReady = resolve;
  });
  const link = openOwnerLink({
    mail,
    async connected(ask) {
      const met = (await ask({ kind: "welcome", version: LINE_VERSION })) as Welcome;
      welcome = met;
      if (!(await load(met))) return;
      const shape = met.run.adapter;
      roundsOver = 0;
      parts = createPartRoom(shape, work);
      rounds = createRemoteRounds({
        shape,
        ask: (round) => askUntilAnswered(link, { kind: "round", round }) as Promise<RoundTerms | null>,
      });
      log(`the run's owner is ${met.url}`);
      isReady();
    },
    lost(why) {
      parts?.forget(why);
      sockets.runLost();
    },
    asked: (question) => answer(question as AskedOfGateway),
    told: (message) => hear(message as ToGateway),
    log,
  });
  const theRounds = (): RemoteRounds => {
    if (rounds === null) throw new Error("gateway: expected a run, got none yet");
    return rounds;
  };
  const run = openRemoteRun({
    link,
    terms: async (round) => theRounds().terms(round),
    parts: () => parts,
    keep: (round, participantId, bytes) =>
      options.keep((welcome as Welcome).storeId, { round, participantId, bytes }),
    log,
  });
  const sockets = openParticipantSockets({
    io,
    run: () => run,
    nowMs: () => performance.now(),
    limits,
    trustProxy,
    turns,
    refusing: () => {},
  });

  async function answer(question: AskedOfGateway): Promise<unknown> {
    if (parts === null) throw new Error("gateway: no run yet");
    switch (question.kind) {
      case "part":
        return parts.part(question.round, question.participantIds);
      case "agreements":
        return parts.agreements(question.round, question.sketches);
      default:
        return question satisfies never;
    }
  }

  function hear(message: ToGateway): void {
    switch (message.kind) {
      case "tell":
        sockets.tell(message.connection, message.event, ...(message.message as []));
        return;
      case "tell-all":
        sockets.tellAll(message.event, ...(message.message as []));
        return;
      case "dismiss":
        sockets.dismiss(message.connection, message.why);
        return;
      case "round-over":
        roundsOver = message.round;
        drained();
        sockets.roundOver(message.round);
        return;
      default:
        message satisfies never;
    }
  }

  /** Of whoever is in it, told of it here or come with it from another gateway. */
  async function roundEnded(seconds: number): Promise<void> {
    if (io.engine.clientsCount === 0) return;
    const open = (await askUntilAnswered(link, { kind: "open-round" })) as number | null;
    if (open === null || open <= roundsOver) return;
    log(`closing when the round is over, or in ${seconds} s`);
    await new Promise<void>((resolve) => {
      drained = resolve;
    });
  }

  const proxy = { ownerUrl: () => (link.isUp ? (welcome?.url ?? null) : null), trustProxy };
  await registerFiles(http, {
    // The owner knows the host's key; what is for hosts is passed on to it.
    credentials: openCredentials({
      hostKey: randomBytes(24).toString("base64url"),
      participantOf: run.holderOf,
      limits,
      trustProxy,
    }),
    async textsOf(participantId) {
      const part = await run.partOf(participantId);
      return part === null ? null : { part, ...files().deviceSplit(part) };
    },
    modelDirectory: () => files().modelDirectory,
    modelManifest: () => files().modelManifest,
    pagesDirectory: options.pagesDirectory ?? null,
    basePath,
    subAdapters: {
      member: run.member,
      sent: run.sent,
      downloaded: run.downloaded,
      turn: turns.next,
      encode: async (participantId, round, { dropoutRate }) =>
        turns.take(await theRounds().encode(participantId, round, dropoutRate)),
    },
  });
  http.get("/healthz", () => ({ status: "ok", connected: io.engine.clientsCount }));
  http.get("/readyz", (_request, reply) => {
    const reason = closed() ?? (link.isUp ? null : "the run has no owner at the moment");
    return reply.code(reason === null ? 200 : 503).send({ ready: reason === null, reason });
  });
  passRequestsOn(http, proxy);
  passHostsOn(io.of("/host") as unknown as Namespace<HostToServerEvents, ServerToHostEvents>, proxy);
  await ready;
  return {
    http,
    async drain(seconds) {
      draining = true;
      await Promise.race([roundEnded(seconds), setTimeout(1000 * seconds, undefined, { ref: false })]);
    },
    async close() {
      link.close();
      run.close();
      await front.close();
      await mail.close();
    },
  };
}
