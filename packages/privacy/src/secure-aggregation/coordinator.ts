/**
 * The coordinator's part of a round under secure aggregation: it collects what devices send in each step, and closes a
 * step when all have answered or time is up. Who has not answered by then is out; with fewer than two thirds of the roster
 * the round is over and nothing has been learnt. Pure: masked inputs are added up elsewhere (`masked-sum.ts`).
 */
import type { Pieces } from "@fedlodrop/run";
import { concatBytes } from "@noble/hashes/utils.js";
import { maskCommitment, ownMask, pairMask } from "./device.ts";
import { circleOf, survivorThreshold } from "./device-graph.ts";
import { agreedSecret, isPoint, isSame, isSigned, KEY_BYTES, publicKeyOf, SEALED_BYTES } from "./keys.ts";
import type { Unmasking } from "./masked-sum.ts";
import type { FromDevice, Refusal, ToDevice } from "./messages.ts";
import {
  advertisementProblem,
  type Coverage,
  coverageOf,
  openRoster,
  type Roster,
  type RosterEntry,
  readAdvertisement,
  type SecureTerms,
  survivorsSigned,
} from "./roster.ts";
import { joinShares, type Share } from "./shamir.ts";

/** A device that was asked to take part. */
export type Invited = Omit<RosterEntry, "advertisement">;

export type SecureRound =
  | {
      readonly kind: "keys";
      readonly terms: SecureTerms;
      readonly invited: readonly Invited[];
      readonly answers: Answers;
    }
  | { readonly kind: "shares"; readonly roster: Roster; readonly answers: Answers }
  | {
      readonly kind: "inputs";
      readonly coverage: Coverage;
      readonly senders: readonly string[];
      readonly answers: Answers;
    }
  | (AfterInputs & { readonly kind: "signatures" })
  /** Only who has signed is shown the others' signatures, and can answer them. */
  | (AfterInputs & { readonly kind: "reveals"; readonly signers: readonly string[] });

interface AfterInputs {
  readonly coverage: Coverage;
  readonly senders: readonly string[];
  readonly survivors: readonly string[];
  readonly answers: Answers;
}

/** By device; of inputs only that they are there. */
type Answers = ReadonlyMap<string, Uint8Array>;

export interface Over {
  readonly kind: "over";
  readonly message: string;
}
const over = (message: string): Over => ({ kind: "over", message });

/** Devices whose answer is awaited. */
export function awaited(state: SecureRound): readonly string[] {
  const all = {
    keys: () => (state.kind === "keys" ? state.invited.map(({ id }) => id) : []),
    shares: () => (state.kind === "shares" ? state.roster.entries.map(({ id }) => id) : []),
    inputs: () => ("senders" in state ? state.senders : []),
    signatures: () => ("survivors" in state ? state.survivors : []),
    reveals: () => ("signers" in state ? state.signers : []),
  }[state.kind]();
  return all.filter((id) => !state.answers.has(id));
}

/** @param invited in order of their ids */
export const beginSecureRound = (terms: SecureTerms, invited: readonly Invited[]): SecureRound => ({
  kind: "keys",
  terms,
  invited,
  answers: new Map(),
});

/** Why an answer is none. */
export interface AnswerRefusal extends Refusal {
  readonly cause: "wrong-step" | "repeated" | "stranger" | "unusable";
}

/** Takes a device's answer, or says why it is none; nothing has changed then. */
export function receive(state: SecureRound, id: string, answer: FromDevice): SecureRound | AnswerRefusal {
  const refuse = (cause: AnswerRefusal["cause"], message: string): AnswerRefusal => ({
    kind: "refused",
    cause,
    message,
  });
  const step = {
    keys: "keys",
    shares: "shares",
    inputs: "input",
    signatures: "signature",
    reveals: "reveal",
  }[state.kind];
  if (answer.kind !== step) return refuse("wrong-step", `expected ${step}, got ${answer.kind}`);
  if (state.answers.has(id)) return refuse("repeated", `${answer.kind}: ${id} has answered`);
  if (!awaited(state).includes(id))
    return refuse("stranger", `${answer.kind}: ${id} takes no part in this step`);
  const problem = problemOf(state, id, answer.bytes);
  if (problem !== null) return refuse("unusable", problem);
  const kept = state.kind === "inputs" ? new Uint8Array(0) : answer.bytes;
  return { ...state, answers: new Map([...state.answers, [id, kept]]) };
}

function problemOf(state: SecureRound, id: string, bytes: Uint8Array): string | null {
  const length = (expected: number): string | null =>
    bytes.length === expected
      ? null
      : `${state.kind} of ${id}: expected ${expected} bytes, got ${bytes.length}`;
  switch (state.kind) {
    case "keys":
      return advertisementProblem(state.terms, id, bytes) ?? keyProblem(id, bytes);
    case "shares": {
      const { graph, places } = state.roster;
      return length((graph.neighbours[places.get(id) as number] as Uint32Array).length * SEALED_BYTES);
    }
    case "inputs":
      return null; // `MaskedSum.inputBytes` says how long it must be
    case "signatures": {
      const { coverage, senders, survivors } = state;
      const { roster } = coverage;
      const { identity } = roster.keys[roster.places.get(id) as number] as Roster["keys"][number];
      return isSigned(survivorsSigned(roster, senders, survivors), bytes, identity)
        ? null
        : `signature of ${id}: it is not of the survivors that it was told`;
    }
    case "reveals":
      return length(
        circleAmong(state, state.coverage.roster.places.get(id) as number).length * (1 + KEY_BYTES),
      );
    default:
      return state satisfies never;
  }
}

/** Keys that no secret can be agreed on with would put everybody else out of the round. */
function keyProblem(id: string, bytes: Uint8Array): string | null {
  const { sealKey, maskKey } = readAdvertisement(bytes);
  return isPoint(sealKey) && isPoint(maskKey) ? null : `keys of ${id}: one of them is no point of the curve`;
}

const circleAmong = ({ coverage: { roster, kept } }: AfterInputs, device: number): Uint32Array =>
  circleOf(roster.graph, device).filter((other) => kept[other] !== null);

/** What each device is told when a step has closed; the round's next state. */
export interface Closed {
  readonly kind: "closed";
  readonly state: SecureRound;
  readonly messages: ReadonlyMap<string, ToDevice>;
}

/** Ends the step with the answers that are there. The last one, `reveals`, is ended by `unmaskingsOf`. */
export function* closeStep(state: Exclude<SecureRound, { kind: "reveals" }>): Pieces<Closed | Over> {
  const { answers } = state;
  const devices = state.kind === "keys" ? answers.size : rosterOf(state).entries.length;
  const needed = Math.max(2, survivorThreshold(devices));
  if (answers.size < needed)
    return over(
      `secure aggregation: expected ${needed} devices at least in step ${state.kind}, got ${answers.size}`,
    );
  const toAll = (ids: readonly string[], message: ToDevice) => new Map(ids.map((id) => [id, message]));
  const answered = (ids: readonly string[]): string[] => ids.filter((id) => answers.has(id));
  switch (state.kind) {
    case "keys": {
      const entries = state.invited.flatMap((invited) => {
        const advertisement = answers.get(invited.id);
        return advertisement === undefined ? [] : [{ ...invited, advertisement }];
      });
      const roster = openRoster(state.terms, entries);
      const messages = toAll(
        entries.map(({ id }) => id),
        { kind: "roster", entries },
      );
      return { kind: "closed", state: { kind: "shares", roster, answers: new Map() }, messages };
    }
    case "shares": {
      const { roster } = state;
      const senders = answered(roster.entries.map(({ id }) => id));
      const places = senders.map((id) => roster.places.get(id) as number);
      const among = new Set(places);
      const sealedFor = (device: number): ToDevice => ({
        kind: "sealed",
        senders,
        bytes: concatBytes(
          ...[...(roster.graph.neighbours[device] as Uint32Array)]
            .filter((other) => among.has(other))
            .map((other) => {
              const at = (roster.graph.neighbours[other] as Uint32Array).indexOf(device) * SEALED_BYTES;
              const sealed = answers.get((roster.entries[other] as RosterEntry).id) as Uint8Array;
              return sealed.subarray(at, at + SEALED_BYTES);
            }),
        ),
      });
      const coverage = yield* coverageOf(roster, among);
      const messages = new Map<string, ToDevice>();
      for (const [i, id] of senders.entries()) {
        yield;
        messages.set(id, sealedFor(places[i] as number));
      }
      return { kind: "closed", state: { kind: "inputs", coverage, senders, answers: new Map() }, messages };
    }
    case "inputs": {
      const { coverage, senders } = state;
      const survivors = answered(senders);
      return {
        kind: "closed",
        state: { kind: "signatures", coverage, senders, survivors, answers: new Map() },
        messages: toAll(survivors, { kind: "survivors", survivors }),
      };
    }
    case "signatures": {
      const signers = answered(state.survivors);
      const bytes = concatBytes(...signers.map((id) => answers.get(id) as Uint8Array));
      return {
        kind: "closed",
        state: { ...state, kind: "reveals", signers, answers: new Map() },
        messages: toAll(signers, { kind: "signatures", signers, bytes }),
      };
    }
    default:
      return state satisfies never;
  }
}

const rosterOf = (state: Exclude<SecureRound, { kind: "keys" }>): Roster =>
  state.kind === "shares" ? state.roster : state.coverage.roster;

/** What takes the masks off, from the shares that have been revealed. */
export function* unmaskingsOf(
  state: Extract<SecureRound, { kind: "reveals" }>,
): Pieces<readonly Unmasking[] | Over> {
  const { coverage, senders, survivors, answers } = state;
  const { roster } = coverage;
  const left = new Set(survivors);
  const sharesOf = new Map<number, Share[]>();
  const circles = roster.entries.map((_, device) => circleOf(roster.graph, device));
  for (const [id, bytes] of answers) {
    yield;
    const holder = roster.places.get(id) as number;
    circleAmong(state, holder).forEach((owner, at) => {
      const field = bytes.subarray(at * (1 + KEY_BYTES), (at + 1) * (1 + KEY_BYTES));
      if (field[0] !== 1) return;
      const place = (circles[owner] as Uint32Array).indexOf(holder);
      const shares = sharesOf.get(owner) ?? [];
      shares.push({ place, bytes: field.subarray(1) });
      sharesOf.set(owner, shares);
    });
  }
  const unmaskings: Unmasking[] = [];
  for (const id of senders) {
    yield;
    const device = roster.places.get(id) as number;
    const { commitment, maskKey } = roster.keys[device] as Roster["keys"][number];
    const isRight = left.has(id)
      ? (secret: Uint8Array) => isSame(maskCommitment(secret), commitment)
      : (secret: Uint8Array) => isSame(publicKeyOf(secret), maskKey);
    const shares = sharesOf.get(device) ?? [];
    const { shareThreshold } = roster.graph;
    if (shares.length < shareThreshold)
      return over(`secure aggregation: expected ${shareThreshold} shares of ${id}, got ${shares.length}`);
    const secret = joinedRightly(shares, shareThreshold, isRight);
    if (secret === null) return over(`secure aggregation: the shares of ${id} do not fit what it announced`);
    if (left.has(id)) unmaskings.push({ kind: "left", device, mask: ownMask(secret, roster) });
    else {
      const masks = new Map<number, Uint8Array>();
      for (const other of roster.graph.neighbours[device] as Uint32Array) {
        yield;
        if (left.has((roster.entries[other] as RosterEntry).id))
          masks.set(
            other,
            pairMask(
              agreedSecret(secret, (roster.keys[other] as Roster["keys"][number]).maskKey),
              roster,
              device,
              other,
            ),
          );
      }
      unmaskings.push({ kind: "vanished", device, masks });
    }
  }
  return unmaskings;
}

/** One wrong share among enough is left out: each in turn, if need be. Null where that does not help. */
function joinedRightly(
  shares: readonly Share[],
  threshold: number,
  isRight: (secret: Uint8Array) => boolean,
): Uint8Array | null {
  const first = joinShares(shares.slice(0, threshold));
  if (isRight(first)) return first;
  if (shares.length === threshold) return null;
  for (const wrong of shares.slice(0, threshold)) {
    const secret = joinShares(shares.filter((share) => share !== wrong).slice(0, threshold));
    if (isRight(secret)) return secret;
  }
  return null;
}
