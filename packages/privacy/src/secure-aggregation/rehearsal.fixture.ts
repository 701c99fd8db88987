/** A whole round in memory: devices, coordinator, and whoever vanishes or lies on the way. */
import { atOnce, createRandom, drawDropoutMask, gatherValues, keptIndices } from "@fedlodrop/run";
import {
  awaited,
  beginSecureRound,
  closeStep,
  type Over,
  receive,
  type SecureRound,
  unmaskingsOf,
} from "./coordinator.ts";
import { EXACT_FRACTION_BITS } from "./fixed-point.ts";
import { type KeyPair, type RandomBytes, signingKeys } from "./keys.ts";
import { beginMaskedSum, type MaskedSum } from "./masked-sum.ts";
import type { FromDevice, ToDevice } from "./messages.ts";
import type { SecureTerms } from "./roster.ts";
import { type DeviceSession, openSession } from "./session.ts";

export const STEPS = ["keys", "shares", "inputs", "signatures", "reveals"] as const;
export type StepName = (typeof STEPS)[number];

export const testTerms: SecureTerms = {
  runId: "run",
  round: 3,
  seed: "seed",
  shape: {
    rank: 2,
    alpha: 4,
    modules: [
      { name: "m", inFeatures: 9, outFeatures: 7 },
      { name: "n", inFeatures: 5, outFeatures: 6 },
    ],
    dense: [{ name: "head", shape: [2, 3], initialStandardDeviation: 0.02 }],
  },
  limit: 32,
  fractionBits: EXACT_FRACTION_BITS,
  largestNoise: 0,
};

/** Repeatable bytes in place of the platform's. */
export function seededBytes(...parts: readonly (string | number)[]): RandomBytes {
  const random = createRandom("bytes", ...parts);
  return (length) => Uint8Array.from({ length }, () => random.below(256));
}

export interface TestDevice {
  readonly id: string;
  readonly weight: number;
  readonly dropoutRate: number;
  readonly identity: KeyPair;
  /** Of every value of the adapter; it sends those it keeps. */
  readonly changes: Float32Array;
  readonly session: DeviceSession;
}

export const testDevice = (
  terms: SecureTerms,
  part: Pick<TestDevice, "id" | "weight" | "dropoutRate" | "changes">,
  known: ReadonlyMap<string, Uint8Array> = new Map(),
): TestDevice => {
  const random = seededBytes(part.id, terms.round);
  const identity = signingKeys(seededBytes("identity", part.id));
  return { ...part, identity, session: openSession({ terms, ...part, identity, known }, random) };
};

export const indicesOf = (
  { shape, seed, round }: SecureTerms,
  { id, dropoutRate }: Pick<TestDevice, "id" | "dropoutRate">,
) => keptIndices(shape, drawDropoutMask(shape, { seed, round, participantId: id, dropoutRate }));

export interface Rehearsal {
  readonly state: SecureRound;
  readonly sum: MaskedSum | null;
  readonly refusals: readonly string[];
  readonly over: Over | null;
}

export interface Script {
  /** The step that a device does not answer any more, by id. */
  readonly vanishes?: ReadonlyMap<string, StepName>;
  /** What arrives instead of what was sent. */
  readonly toDevice?: (id: string, message: ToDevice) => ToDevice;
  readonly toCoordinator?: (id: string, answer: FromDevice) => FromDevice;
}

/** Plays all steps; `reveals` are in the last state, for `unmaskingsOf`. */
export function rehearse(terms: SecureTerms, devices: readonly TestDevice[], script: Script = {}): Rehearsal {
  const { vanishes = new Map(), toDevice = (_, m) => m, toCoordinator = (_, a) => a } = script;
  const byId = new Map(devices.map((device) => [device.id, device]));
  const invited = devices
    .map(({ id, weight, dropoutRate }) => ({ id, weight, dropoutRate }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const refusals: string[] = [];
  let state = beginSecureRound(terms, invited);
  let sum: MaskedSum | null = null;
  let messages: ReadonlyMap<string, ToDevice> = new Map();
  for (const step of STEPS) {
    for (const id of awaited(state)) {
      const gone = vanishes.get(id);
      if (gone !== undefined && STEPS.indexOf(gone) <= STEPS.indexOf(step)) continue;
      const { session, changes } = byId.get(id)!;
      const message = messages.get(id);
      const heard =
        step === "keys"
          ? session.keys
          : message === undefined
            ? undefined
            : session.receive(toDevice(id, message));
      if (heard === undefined) continue;
      const answer = heard ?? session.mask(gatherValues(changes, session.toSend!.indices), null);
      if (answer.kind === "refused") {
        refusals.push(`${id}: ${answer.message}`);
        continue;
      }
      const sent = toCoordinator(id, answer);
      const next = receive(state, id, sent);
      if (next.kind === "refused") {
        refusals.push(`coordinator: ${next.message}`);
        continue;
      }
      if (state.kind === "inputs") {
        sum ??= beginMaskedSum(state.coverage);
        atOnce(sum.add(state.coverage.roster.places.get(id)!, sent.bytes));
      }
      state = next;
    }
    if (state.kind === "reveals") break;
    const closed = atOnce(closeStep(state));
    if (closed.kind === "over") return { state, sum, refusals, over: closed };
    ({ state, messages } = closed);
  }
  return { state, sum, refusals, over: null };
}

/** The adapter that a rehearsal ends with, or why it ends with none. */
export function outcome({ state, sum, over }: Rehearsal, adapter: Float32Array) {
  if (over !== null) return over;
  if (state.kind !== "reveals" || sum === null) throw new Error(`rehearsal: stopped in ${state.kind}`);
  const unmaskings = atOnce(unmaskingsOf(state));
  return "kind" in unmaskings
    ? unmaskings
    : ({ kind: "adapter", ...atOnce(sum.finish(adapter, unmaskings)) } as const);
}
