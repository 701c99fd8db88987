/** Participants of rounds under secure aggregation: the device's own code over real sockets, with changes that follow from name and round. */
import type { Joined, RoundStart, SecureAnswer, SecureStep } from "@fedlodrop/protocol";
import { createRandom, subAdapter } from "@fedlodrop/run";
import { io } from "socket.io-client";
import { expect } from "vitest";
import { openAccounts } from "../../../packages/device/src/accounts.ts";
import { type Link, openLink, type ParticipantSocket } from "../../../packages/device/src/link.ts";
import { openSecureMembers } from "../../../packages/device/src/secure-members.ts";
import type { SecurePart } from "../../../packages/device/src/secure-part.ts";
import { sendUpload } from "../../../packages/device/src/upload.ts";
import { device, open, shape, statistics } from "./app.fixture.ts";

/** What a device is about to answer when it vanishes. */
export type StepName = "keys" | "shares" | "input" | "signature" | "reveal";
const TOLD: Readonly<Record<SecureStep["kind"], StepName>> = {
  roster: "shares",
  sealed: "input",
  survivors: "signature",
  signatures: "reveal",
};

export interface SecureScript {
  /** Of the participant that it was. */
  readonly token?: string;
  readonly sampleCount?: number;
  /** In which round and step its tab is closed. */
  readonly vanishes?: { readonly round: number; readonly step: StepName };
  /** What it hears in place of what it was told. */
  readonly toDevice?: (message: SecureStep) => SecureStep;
  /** What it sends in place of its answers. */
  readonly toCoordinator?: (answer: SecureAnswer) => SecureAnswer;
  /** Loses its connection for a moment when it hears of this. */
  readonly stumbles?: SecureStep["kind"];
}

export interface SecureParticipant {
  readonly id: string;
  readonly token: string;
  readonly link: Link;
  readonly socket: ParticipantSocket;
  /** By round. */
  readonly starts: ReadonlyMap<number, RoundStart>;
  readonly outcomes: ReadonlyMap<number, string>;
  /** Why it took no further part, by round. */
  readonly failures: ReadonlyMap<number, string>;
  /** Answers as they went out. */
  readonly answers: readonly SecureAnswer[];
  readonly heard: readonly SecureStep[];
}

/** Small, as training makes them: within what a step of AdamW can do. */
export function changesOf(id: string, round: number, count: number): Float32Array {
  const random = createRandom("changes", id, round);
  return Float32Array.from({ length: count }, () => 0.004 * random.normal());
}

export async function participateSecurely(
  url: string,
  nickname: string,
  { sampleCount = 10, vanishes, toDevice, toCoordinator, stumbles, ...own }: SecureScript = {},
): Promise<SecureParticipant> {
  const socket: ParticipantSocket = io(url, {
    transports: ["websocket"],
    forceNew: true,
    reconnectionDelay: 5,
    reconnectionDelayMax: 20,
  });
  const starts = new Map<number, RoundStart>();
  const outcomes = new Map<number, string>();
  const failures = new Map<number, string>();
  const answers: SecureAnswer[] = [];
  const heard: SecureStep[] = [];
  const members = openSecureMembers(openAccounts());
  let identity: Joined | null = null;
  let current: { readonly round: number; readonly end: AbortController } | null = null;
  let ready = (): void => {};
  const isReady = new Promise<void>((resolve) => {
    ready = resolve;
  });

  socket.on("secure-step", (message) => {
    heard.push(message);
    if (vanishes?.round === message.round && vanishes.step === TOLD[message.kind]) link.close();
    if (stumbles === message.kind && heard.filter(({ kind }) => kind === stumbles).length === 1)
      socket.io.engine.close();
  });
  const link = openLink(
    tampering(socket, answers, toDevice, toCoordinator),
    { nickname, token: own.token ?? null },
    {
      openRound: () => current?.round,
      refused: (refused) => {
        throw new Error(refused.message);
      },
      connection() {},
      joined(joined) {
        identity = joined;
        const facts = { ...device, sampleCount, runId: joined.run.runId };
        void socket.emitWithAck("ready", facts).then(ready, () => {});
      },
    },
  );
  open.push(() => link.close());

  async function play(start: RoundStart, secure: SecurePart, signal: AbortSignal): Promise<void> {
    const { round, dropoutRate } = start;
    const { participantId, run } = identity as Joined;
    const key = { seed: run.config.seed, round, participantId, dropoutRate };
    const { indices } = subAdapter(shape, key);
    const bytes = await secure.mask(changesOf(participantId, round, indices.length), indices);
    const request = { round, bytes, paceBytesPerSecond: null, roundTripSeconds: 0.001 };
    const describe = () => ({ ...statistics, sampleCount });
    await sendUpload(link, request, describe, () => {}, signal);
    await secure.done;
  }

  socket.on("round-start", (start) => {
    const { round } = start;
    current?.end.abort(new Error("a newer round began"));
    const mine = { round, end: new AbortController() };
    current = mine;
    starts.set(round, start);
    if (vanishes?.round === round && vanishes.step === "keys") return link.close();
    const joined = identity as Joined;
    const secure = members.part(link, joined, sampleCount, start, mine.end.signal);
    if (secure === null) throw new Error(`round ${round}: expected one under secure aggregation`);
    play(start, secure, mine.end.signal).catch((error: Error) => {
      failures.set(round, error.message);
      if (mine.end.signal.aborted) return;
      current = null;
      link.rejoin();
    });
  });
  socket.on("round-closed", ({ round, outcome }) => {
    outcomes.set(round, outcome);
    if (current?.round === round) current.end.abort(new Error("the round closed"));
  });
  await isReady;
  const { participantId: id, token } = identity as unknown as Joined;
  expect(id).toMatch(/^p\d+$/);
  return { id, token, link, socket, starts, outcomes, failures, answers, heard };
}

/** The socket with another's hand on what comes and goes. */
function tampering(
  socket: ParticipantSocket,
  answers: SecureAnswer[],
  toDevice: SecureScript["toDevice"] = (message) => message,
  toCoordinator: SecureScript["toCoordinator"] = (answer) => answer,
): ParticipantSocket {
  const changed = (event: string, args: unknown[]): unknown[] => {
    if (event !== "secure-answer") return args;
    const sent = toCoordinator(args[0] as SecureAnswer);
    answers.push(sent);
    return [sent, ...args.slice(1)];
  };
  return new Proxy(socket, {
    get(target, name) {
      if (name === "timeout")
        return (ms: number) => {
          const answering = target.timeout(ms);
          return {
            emitWithAck: (event: string, ...args: unknown[]) =>
              answering.emitWithAck(event as "ping", ...(changed(event, args) as [])),
            emit: (event: string, ...args: unknown[]) =>
              answering.emit(event as "leave", ...(args as [() => void])),
          };
        };
      if (name === "on")
        return (event: string, listener: (...args: unknown[]) => void) =>
          target.on(
            event as "secure-step",
            event === "secure-step" ? (message) => listener(toDevice(message)) : (listener as never),
          );
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
