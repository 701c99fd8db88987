/**
 * This device's part of a round under secure aggregation: the steps of packages/privacy over the link. Keys and shares are
 * exchanged while it trains; its masked changes go up like any update; then it signs who is left and gives up its shares.
 * Every message of the coordinator is checked against what the device knows by itself, and one that does not fit ends its part.
 */
import {
  clipFactor,
  epsilonSpent,
  type FromDevice,
  type KeyPair,
  noiseShare,
  openSession,
  type RandomBytes,
  secureTermsOf,
  secureUniform,
  type ToDevice,
  unpacked,
} from "@fedlodrop/privacy";
import { type RoundStart, type RunDescription, secureStepSchema } from "@fedlodrop/protocol";
import type { SecureAccount } from "./accounts.ts";
import { accepted, type Link } from "./link.ts";
import { UnsafeRoundError } from "./unsafe-round.ts";

/** What a device keeps of a run under secure aggregation from round to round. */
export interface SecureMemory {
  /** Others know it by this. */
  readonly identity: KeyPair;
  readonly account: SecureAccount;
  /** Resolves when what `change` makes of the account is kept. */
  readonly note: (change: (account: SecureAccount) => void) => Promise<void>;
}

export interface SecureTask {
  readonly run: RunDescription;
  readonly participantId: string;
  readonly start: RoundStart & { readonly secure: NonNullable<RoundStart["secure"]> };
  readonly sampleCount: number;
  readonly memory: SecureMemory;
  readonly randomBytes: RandomBytes;
}

export interface SecurePart {
  /** Bytes to upload. @param changes of the values at `kept`, ascending places in the full vector */
  mask(changes: Float32Array, kept: Uint32Array): Promise<Uint8Array>;
  /** Resolves when this device has done its part; rejects when it cannot, or `signal` aborts. */
  readonly done: Promise<void>;
}

/** Takes part from the first step on. */
export function takeSecurePart(link: Link, task: SecureTask, signal: AbortSignal): SecurePart {
  const { run, participantId, start, memory, randomBytes } = task;
  const { round, secure, dropoutRate } = start;
  const { config, runId, adapter: shape } = run;
  const { noiseMultiplier, weight } = secure;
  const problem = partProblem(task);
  const terms = secureTermsOf({
    runId,
    config,
    shape,
    round,
    cohortSize: start.cohortSize,
    noiseMultiplier,
  });
  const { identity, note } = memory;
  const { known } = memory.account;
  const session = openSession(
    { terms, id: participantId, weight, dropoutRate, identity, known },
    randomBytes,
  );
  const inbox = listen(link, round, signal);

  const answer = ({ kind, bytes }: FromDevice): Promise<unknown> =>
    link.persist(signal, async (socket) =>
      accepted(await socket.emitWithAck("secure-answer", { round, kind: kind as "keys", bytes })),
    );
  /** The session's answer to the next message of this kind. */
  async function step(kind: ToDevice["kind"]): Promise<FromDevice | null> {
    const told = await inbox.next(kind);
    // Noise and numbers are laid out for so many.
    if (told.kind === "roster" && told.entries.length > start.cohortSize)
      throw new UnsafeRoundError(
        `roster: expected ${start.cohortSize} devices at most, got ${told.entries.length}`,
      );
    const reply = session.receive(told);
    if (reply?.kind === "refused") throw new UnsafeRoundError(reply.message);
    if (told.kind === "roster")
      await note(({ known: seen }) => {
        for (const { id, advertisement } of told.entries)
          if (!seen.has(id)) seen.set(id, advertisement.slice(0, identity.publicKey.length));
      });
    return reply;
  }
  async function exchange(): Promise<void> {
    if (problem !== null) throw new UnsafeRoundError(problem);
    await answer(session.keys);
    await answer((await step("roster")) as FromDevice);
    await step("sealed");
  }
  async function finish(): Promise<void> {
    await exchanged;
    await answer((await step("survivors")) as FromDevice);
    await answer((await step("signatures")) as FromDevice);
  }

  const exchanged = exchange();
  const done = finish().finally(inbox.close);
  // Whoever trains hears of it when the changes are there.
  for (const promise of [exchanged, done]) promise.catch(() => {});

  return {
    done,
    async mask(changes, kept) {
      await exchanged;
      const { toSend } = session;
      if (toSend === null) throw new Error("secure round: the shares have not come");
      const { indices, coverage } = toSend;
      const { differentialPrivacy } = config;
      const isUsable = changes.every(Number.isFinite);
      // The others may give up their shares without this device.
      await note((account) => {
        account.lastRound = Math.max(account.lastRound, round);
        account.spent += noiseMultiplier === null ? 0 : noiseMultiplier ** -2;
      });
      if (differentialPrivacy === null || noiseMultiplier === null) {
        if (!isUsable) throw new Error("training gave changes that are no numbers");
        return session.mask(valuesAt(changes, kept, indices, 1), null).bytes;
      }
      const { clip } = differentialPrivacy;
      // Whether training came to numbers must not show: its noise is sent all the same.
      const clipped = valuesAt(changes, kept, indices, isUsable ? clipFactor(changes, clip) : 0);
      const uniform = secureUniform(randomBytes);
      return session.mask(clipped, noiseShare(coverage, indices, noiseMultiplier * clip, uniform)).bytes;
    },
  };
}

/** What is asked for must be what the run has promised. */
function partProblem({ run, start, sampleCount, memory: { account } }: SecureTask): string | null {
  const { config } = run;
  const { weight, noiseMultiplier } = start.secure;
  if (!config.secureAggregation) return "secure aggregation: this run has none";
  if (start.round <= account.lastRound)
    return `round: expected one after ${account.lastRound}, in which this device has sent its changes, got ${start.round}`;
  const { differentialPrivacy } = config;
  if (JSON.stringify(differentialPrivacy) !== JSON.stringify(account.promise))
    return "differential privacy: the run promises something else than when this device joined it";
  if (differentialPrivacy === null)
    return weight <= sampleCount ? null : `weight: expected at most ${sampleCount} samples, got ${weight}`;
  if (weight !== 1) return `weight: expected 1 with differential privacy, got ${weight}`;
  if (noiseMultiplier === null) return "noise: expected some with differential privacy, got none";
  const { epsilon, delta } = differentialPrivacy;
  const after = epsilonSpent(account.spent + noiseMultiplier ** -2, delta);
  return after <= epsilon * (1 + ROUNDING)
    ? null
    : `noise: with this round ε would be ${after.toFixed(3)}; the run promises ${epsilon} at most`;
}

const ROUNDING = 1e-6;

/** The values at `wanted`, which are some of those at `kept`; both ascend. */
function valuesAt(
  changes: Float32Array,
  kept: Uint32Array,
  wanted: Uint32Array,
  factor: number,
): Float32Array {
  const values = new Float32Array(wanted.length);
  for (let at = 0, from = 0; at < wanted.length; at++, from++) {
    while ((kept[from] ?? Number.POSITIVE_INFINITY) < (wanted[at] as number)) from++;
    if (kept[from] !== wanted[at])
      throw new Error(`secure round: value ${wanted[at]} is to be sent and was not trained`);
    values[at] = factor === 0 ? 0 : factor * (changes[from] as number);
  }
  return values;
}

/** The coordinator's messages of a round, the first of each kind; what comes again or malformed changes nothing. */
function listen(link: Link, round: number, signal: AbortSignal) {
  const heard = new Map<ToDevice["kind"], ToDevice>();
  const waiting = new Map<ToDevice["kind"], (message: ToDevice) => void>();
  const hear = (given: unknown): void => {
    const parsed = secureStepSchema.safeParse(given);
    if (!parsed.success || parsed.data.round !== round) return;
    const { round: _, ...sent } = parsed.data;
    const message = unpacked(sent);
    if (message.kind === "refused" || heard.has(message.kind)) return;
    heard.set(message.kind, message);
    waiting.get(message.kind)?.(message);
  };
  link.socket.on("secure-step", hear);
  return {
    next: (kind: ToDevice["kind"]): Promise<ToDevice> =>
      new Promise((resolve, reject) => {
        const there = heard.get(kind);
        if (there !== undefined) return resolve(there);
        if (signal.aborted) return reject(signal.reason);
        waiting.set(kind, resolve);
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      }),
    close: () => void link.socket.off("secure-step", hear),
  };
}
