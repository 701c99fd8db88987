/** What the owner of a run does for its gateways: answers them, tells their connections, and asks for their parts. */
import { decodeSparseValues, type Refused } from "@fedlodrop/protocol";
import { keptValueCount } from "@fedlodrop/run";
import type { Clock } from "../clock.ts";
import { accepted, refused } from "../edge.ts";
import type { PartKeepers } from "../runs/elsewhere.ts";
import type { LiveRun } from "../runs/live-run.ts";
import { describeRun } from "../runs/participants.ts";
import {
  ASKED_AS_IT_COMES,
  type AskedOfGateway,
  inThisVersion,
  type Notes,
  OLDEST_DEALING_GATEWAY,
  OLDEST_GATEWAY,
  OLDEST_SECURE_GATEWAY,
  type StoredUpdate,
  type Submitted,
  type ToGateway,
  type ToOwner,
  type Welcome,
} from "./calls.ts";
import { openGateways } from "./gateways.ts";
import type { Mail } from "./redis.ts";
import type { Newcomer, RunSide, SocketSide } from "./run-side.ts";

/** What makes a coordinator the owner of a run with gateways. */
export interface OwnerOptions {
  readonly mail: Mail;
  /** Of the lease that it holds by the time it listens. */
  fence(): number;
  /** What the store calls the run that is kept there now. */
  storeId(): string;
  readonly upload: (key: {
    readonly round: number;
    readonly participantId: string;
    readonly sha256: string;
  }) => Promise<Uint8Array>;
  /** Where gateways reach this process. */
  url(): string;
}

export interface OwnerDeskOptions extends OwnerOptions {
  /** The connections that end in this process. */
  readonly here: SocketSide;
  readonly side: () => RunSide;
  readonly run: () => LiveRun;
  readonly clock: Clock;
  log(line: string): void;
}

export interface OwnerDesk extends SocketSide {
  /** Announces this process and takes gateways, once it listens. */
  begin(): void;
  /** The run is another one: gateways begin anew with it. @param kept resolves when the store has it */
  runReplaced(kept: Promise<unknown>): void;
  readonly keepers: PartKeepers;
  close(): Promise<void>;
}

/** Gateways' connections are named GATEWAY/SOCKET, those that end here SOCKET. */
const SLASH = "/";

/**
 * What a gateway asks, with its name before that of the connection: it may have another name by the time that a question
 * is heard than when it was asked. Those of earlier versions put a name there themselves.
 */
function fromGateway(gateway: string, question: Extract<ToOwner, { kind: "call" }>): typeof question {
  const { name, args } = question;
  const named = (connection: string): string =>
    `${gateway}${SLASH}${connection.slice(connection.indexOf(SLASH) + 1)}`;
  if (name === "gone") return { ...question, args: [named(args[0] as string), ...args.slice(1)] };
  if (name !== "join") return question;
  const newcomer = args[0] as Newcomer;
  return { ...question, args: [{ ...newcomer, connection: named(newcomer.connection) }, ...args.slice(1)] };
}

/** What a gateway serves is what the run's records say. */
function oldestFor({ dealsByNumber, config }: LiveRun["state"]): number {
  if (!dealsByNumber) return OLDEST_DEALING_GATEWAY;
  return config.secureAggregation ? OLDEST_SECURE_GATEWAY : OLDEST_GATEWAY;
}

export function openOwnerDesk(options: OwnerDeskOptions): OwnerDesk {
  const { mail, fence, storeId, upload, url, here, side, run, clock, log } = options;
  let gateways: ReturnType<typeof openGateways> | null = null;
  /** What gateways are told of the store is true. */
  let isKept: Promise<unknown> = Promise.resolve();
  /** By gateway: connections that have asked to join. */
  const connections = new Map<string, Set<string>>();

  let logged = "";
  /** A gateway asks again and again. */
  function logOnce(line: string): void {
    if (line !== logged) log(line);
    logged = line;
  }

  function noteConnection(gateway: string, { name, args }: Extract<ToOwner, { kind: "call" }>): void {
    const own = connections.get(gateway) ?? new Set();
    connections.set(gateway, own);
    if (name === "join") own.add((args[0] as Newcomer).connection);
    if (name === "gone" && args[1] === "disconnected") own.delete(args[0] as string);
  }

  async function submit(gateway: string, participantId: string, update: StoredUpdate): Promise<Submitted> {
    const now = run();
    const { runId, round, statistics, upload: kept } = update;
    if (now.runId !== runId) return refused("stale-round", `round ${round}: the host has set up a new run`);
    const arrived = {
      kind: "update-arrived",
      participantId,
      round,
      statistics,
      atMs: clock.nowMs(),
    } as const;
    if (now.roundTerms(round)?.fold === null) {
      const changes = await changesOf(participantId, update);
      if (run() !== now) return refused("stale-round", `round ${round}: the host has set up a new run`);
      if ("kind" in changes) return changes;
      const refusal = now.submit(arrived, changes, kept);
      await now.durable();
      return refusal === null ? { ...accepted, order: null } : refused(refusal.reason, refusal.message);
    }
    const order = now.submitStored(arrived, { gateway, upload: kept });
    await now.durable();
    return order.kind === "refuse" ? refused(order.reason, order.message) : { ...accepted, order };
  }

  /** Of a round that is folded here. */
  async function changesOf(participantId: string, update: StoredUpdate): Promise<Float32Array | Refused> {
    const { round, upload: kept } = update;
    const bytes = await upload({ round, participantId, sha256: kept.sha256 });
    const member = await side().member(participantId, round);
    if (member.kind !== "member") return member;
    const { adapter, config } = run().state;
    const valueCount = keptValueCount(adapter, member.dropoutRate);
    const decoded = decodeSparseValues(bytes, { round, valueCount, valueType: config.valueType });
    return decoded.kind === "refused" ? refused(decoded.reason, decoded.message) : decoded.values;
  }

  async function asked(gateway: string, question: ToOwner): Promise<unknown> {
    switch (question.kind) {
      case "welcome":
        await isKept;
        log(`gateway ${gateway} is there`);
        return { run: describeRun(run()), storeId: storeId(), url: url() } satisfies Welcome;
      case "call": {
        const called = fromGateway(gateway, question);
        const { name, args } = called;
        if (!ASKED_AS_IT_COMES.includes(name)) throw new Error(`nothing is called ${name}`);
        noteConnection(gateway, called);
        return (side()[name] as (...args: readonly unknown[]) => Promise<unknown>)(...args);
      }
      case "submit":
        return submit(gateway, question.participantId, question.update);
      case "round":
        return run().roundTerms(question.round);
      case "open-round": {
        const { state } = run();
        return "members" in state ? state.round : null;
      }
      default:
        return question satisfies never;
    }
  }

  function told({ progress, traffic, downloaded }: Notes): void {
    for (const [participantId, one] of progress) side().progressed(participantId, one);
    for (const [participantId, round, up, down] of traffic) {
      if (up > 0) side().received(participantId, round, up);
      if (down > 0) side().sent(participantId, round, down);
    }
    for (const participantId of downloaded) side().downloaded(participantId);
  }

  const tell = (connection: string, message: (socket: string) => ToGateway): void => {
    const at = connection.indexOf(SLASH);
    gateways?.tell(connection.slice(0, at), message(connection.slice(at + 1)));
  };
  const tellAll = (message: ToGateway): void => gateways?.tellAll(message);
  const ask = (gateway: string, question: AskedOfGateway): Promise<unknown> =>
    gateways?.ask(gateway, question) ?? Promise.reject(new Error("no gateways are taken yet"));

  return {
    begin() {
      gateways = openGateways({
        mail,
        fence: fence(),
        oldest: () => oldestFor(run().state),
        asked: (gateway, question, version) => asked(gateway, inThisVersion(question as ToOwner, version)),
        told: (_, message) => told(message as Notes),
        gone(gateway, why) {
          log(`gateway ${gateway} is gone: ${why}`);
          const lost = connections.get(gateway) ?? [];
          connections.delete(gateway);
          // While a new run is not kept yet nobody can come back, and their time would run out.
          void isKept.then(() => {
            for (const connection of lost) void side().gone(connection, "gateway-lost");
          });
        },
        refused: logOnce,
      });
    },
    runReplaced(kept) {
      isKept = kept;
      gateways?.endAll("the host has set up a new run");
    },
    tell(connection, event, ...message) {
      if (!connection.includes(SLASH)) return here.tell(connection, event, ...message);
      tell(connection, (socket) => ({ kind: "tell", connection: socket, event, message }));
    },
    tellAll(event, ...message) {
      here.tellAll(event, ...message);
      tellAll({ kind: "tell-all", event, message });
    },
    dismiss(connection, why) {
      if (!connection.includes(SLASH)) return here.dismiss(connection, why);
      tell(connection, (socket) => ({ kind: "dismiss", connection: socket, why }));
    },
    roundOver(round) {
      here.roundOver(round);
      tellAll({ kind: "round-over", round });
    },
    keepers: {
      part: (gateway, round, participantIds) =>
        ask(gateway, { kind: "part", round, participantIds }) as ReturnType<PartKeepers["part"]>,
      agreements: (gateway, round, sketches) =>
        ask(gateway, { kind: "agreements", round, sketches }) as ReturnType<PartKeepers["agreements"]>,
      upload: (round, participantId, { sha256 }) => upload({ round, participantId, sha256 }),
    },
    async close() {
      gateways?.endAll("the run's owner is being closed");
      gateways?.close();
      await mail.close();
    },
  };
}
