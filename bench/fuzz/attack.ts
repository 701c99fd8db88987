/**
 * Sends hostile messages to a coordinator whose round is open, and checks what must hold: it lives, the round and its
 * honest members are untouched, no prototype is polluted, memory is bounded, and the honest ones finish.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { joinScripted, type ScriptedParticipant } from "@fedlodrop/harness";
import { encodeSparseValues } from "@fedlodrop/protocol";
import { createRandom, keptValueCount, type Random } from "@fedlodrop/run";
import { commandPort, framePort, messagePort, type Port, requestPort } from "./ports.ts";
import { NO_LIMITS, openQuarry, type Quarry, SMALL_SHAPE } from "./quarry.ts";

export interface AttackOptions {
  readonly seed: string;
  /** Messages of all kinds together. */
  readonly count: number;
  readonly say?: (line: string) => void;
}

export interface AttackReport {
  /** Sent, by kind. */
  readonly sent: Readonly<Record<Kind, number>>;
  /** Replies, by what they said: reasons of refusals, kinds of answers, HTTP status codes. */
  readonly replies: Readonly<Record<string, number>>;
  readonly heapBeforeMegabytes: number;
  readonly heapAfterMegabytes: number;
  readonly seconds: number;
}

const KINDS = { message: 0.6, frame: 0.2, command: 0.1, request: 0.1 } as const;
type Kind = keyof typeof KINDS;
/** Sent between two waits for the coordinator to have kept up. */
const LARGEST_BURST = 250;
/** What stays after any number of messages: buffers, compiled code, counts by address. */
const ROOM_MEGABYTES = 48;

/** @throws an Error that says which promise was broken */
export async function attack({ seed, count, say = () => {} }: AttackOptions): Promise<AttackReport> {
  const startedMs = performance.now();
  const random = createRandom(seed);
  const quarry = await openQuarry({
    shape: SMALL_SHAPE,
    config: { minParticipants: 4, maxParticipants: 10_000 },
    limits: NO_LIMITS,
  });
  const replies: Record<string, number> = {};
  const note = (reply: unknown): void => {
    const { kind, reason } = (reply ?? {}) as { kind?: string; reason?: string };
    const word = reason ?? kind ?? "nothing";
    replies[word] = (replies[word] ?? 0) + 1;
  };
  const sent: Record<Kind, number> = { message: 0, frame: 0, command: 0, request: 0 };
  const honest = [await joinScripted(quarry.url, "ada"), await joinScripted(quarry.url, "ben")];
  const ports: Record<Kind, Port> = {
    message: messagePort(quarry, random, note),
    frame: framePort(quarry, random),
    command: commandPort(quarry, random, note),
    request: requestPort(quarry, random, note),
  };
  try {
    for (const participant of honest) await participant.ready();
    await ports.message.burst(0); // its two are in the cohort
    await quarry.coordinator.command({ kind: "start" });
    const start = await honest[0]!.nextRound(10);
    await honest[1]!.nextRound(10);
    const before = fingerprint(quarry);
    const heapBefore = heapMegabytes();
    let told = 0;
    // Also a short attack has all kinds.
    const burst = Math.min(LARGEST_BURST, Math.ceil(count / 100));
    for (let done = 0; done < count; ) {
      const kind = drawKind(random);
      const size = Math.min(burst, count - done);
      await ports[kind].burst(size);
      sent[kind] += size;
      done += size;
      expectUntouched(before, quarry);
      if (done - told >= 50_000) {
        told = done;
        say(`${done} of ${count} sent, heap ${heapMegabytes().toFixed(0)} MB`);
      }
    }
    for (const port of Object.values(ports)) port.close();
    await finish(honest, quarry, start.dropoutRate);
    const heapAfter = heapMegabytes();
    if (heapAfter > heapBefore + ROOM_MEGABYTES)
      throw new Error(
        `memory: expected at most ${ROOM_MEGABYTES} MB more, got ${heapBefore} → ${heapAfter} MB`,
      );
    return {
      sent,
      replies,
      heapBeforeMegabytes: heapBefore,
      heapAfterMegabytes: heapAfter,
      seconds: (performance.now() - startedMs) / 1000,
    };
  } catch (cause) {
    throw new Error(`seed ${seed}: ${(cause as Error).message}`, { cause });
  } finally {
    for (const port of Object.values(ports)) port.close();
    for (const participant of honest) participant.close();
    await quarry.coordinator.close();
  }
}

function drawKind(random: Random): Kind {
  let left = random.uniform();
  for (const [kind, share] of Object.entries(KINDS)) {
    left -= share;
    if (left < 0) return kind as Kind;
  }
  return "message";
}

/** Whatever honest participants rely on. The attacker's own member may come, go and fail. */
function fingerprint({ coordinator }: Quarry): string {
  const { state } = coordinator;
  const members = state.kind === "training" ? state.members : new Map();
  return JSON.stringify({
    kind: state.kind,
    round: state.kind === "training" && state.round,
    config: state.config,
    locked: state.locked,
    ada: members.get("p1"),
    ben: members.get("p2"),
    adapter: coordinator.report().adapterSha256,
  });
}

function expectUntouched(before: string, quarry: Quarry): void {
  const now = fingerprint(quarry);
  if (now !== before) throw new Error(`open round: changed\n  from ${before}\n  to   ${now}`);
  const polluted = [Object.prototype, Array.prototype, Function.prototype].flatMap((prototype) =>
    Object.keys(prototype),
  );
  if (polluted.length > 0 || "polluted" in {}) throw new Error(`prototype: polluted with ${polluted}`);
}

async function finish(
  honest: readonly ScriptedParticipant[],
  { coordinator, shape }: Quarry,
  dropoutRate: number,
): Promise<void> {
  const values = new Float32Array(keptValueCount(shape, dropoutRate)).fill(1e-4);
  for (const participant of honest) {
    const reply = await participant.upload(1, encodeSparseValues(values, 1, "f32"));
    if (reply.kind === "refused") throw new Error(`honest upload: ${reply.reason}: ${reply.message}`);
  }
  const stop = await coordinator.command({ kind: "stop" });
  if (stop.kind === "refused" && coordinator.state.kind !== "ended") throw new Error(`stop: ${stop.message}`);
  for (let tries = 0; coordinator.state.kind !== "ended"; tries++) {
    if (tries === 500) throw new Error(`run: expected its end, got ${coordinator.state.kind}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const outcomes = coordinator
    .report()
    .rounds[0]?.participants.slice(0, 2)
    .map(({ outcome }) => outcome);
  if (outcomes?.join() !== "aggregated,aggregated")
    throw new Error(`honest members: expected both aggregated, got ${outcomes}`);
}

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

function heapMegabytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed / 2 ** 20;
}
