/**
 * The coordinator and as many devices as may help it: of a round of six, three of the four that a secret takes. They put
 * together all that they hold, and take every mask off that they can compute.
 */
import { adapterSize, atOnce, createRandom } from "@fedlodrop/run";
import { concatBytes } from "@noble/hashes/utils.js";
import { describe, expect, it } from "vitest";
import { COVERS } from "./company.ts";
import {
  advertise,
  firmMask,
  maskChanges,
  ownMask,
  pairMask,
  type ReadyToSend,
  share,
  takeShares,
} from "./device.ts";
import { survivorThreshold } from "./device-graph.ts";
import { toWords, unpackNumbers } from "./fixed-point.ts";
import { SEALED_BYTES, signingKeys } from "./keys.ts";
import { addMask } from "./mask-stream.ts";
import { seededBytes, testTerms } from "./rehearsal.fixture.ts";
import { joinShares } from "./shamir.ts";

const IDS = ["p1", "p2", "p3", "p4", "p5", "p6"];
const HELPING = survivorThreshold(IDS.length) - 1;
const size = adapterSize(testTerms.shape);
const everything = Uint32Array.from({ length: size }, (_, at) => at);

/** All of them about to send, everybody keeping everything under that cover. */
function readyToSend(cover: (typeof COVERS)[number]): ReadyToSend[] {
  const first = IDS.map((id) => {
    const part = { terms: testTerms, id, weight: 1, dropoutRate: 0, known: new Map<string, Uint8Array>() };
    return advertise({ ...part, identity: signingKeys(seededBytes("identity", id)) }, seededBytes(id));
  });
  const entries = IDS.map((id, k) => ({ id, weight: 1, dropoutRate: 0, advertisement: first[k]!.bytes }));
  const second = first.map(({ state }, k) => {
    const step = share(state, { kind: "roster", entries }, seededBytes("share", k));
    if (step.kind === "refused") throw new Error(step.message);
    return step;
  });
  return second.map(({ state }, k) => {
    // What each other device sealed for this one.
    const fields = second.flatMap(({ bytes }, from) => {
      const at = (k < from ? k : k - 1) * SEALED_BYTES;
      return from === k ? [] : [bytes.subarray(at, at + SEALED_BYTES)];
    });
    const ready = takeShares(state, { kind: "sealed", senders: IDS, bytes: concatBytes(...fields) });
    if (ready.kind === "refused") throw new Error(ready.message);
    const covers = ready.coverage.cover.map(() => COVERS.indexOf(cover));
    return { ...ready, coverage: { ...ready.coverage, cover: covers } };
  });
}

const random = createRandom("changes");
const changesOf = IDS.map(() => Float32Array.from({ length: size }, () => 0.02 * random.normal()));

/** Of an honest device's input what is left when the coalition has taken off what it can; `seed` is of the device's own mask. */
function residue(honest: ReadyToSend, helpers: readonly ReadyToSend[], seed: Uint8Array | null): Uint32Array {
  const { roster, cover } = honest.coverage;
  const { format } = roster;
  const { place } = honest;
  const numbers = unpackNumbers(maskChanges(honest, changesOf[place]!), format);
  const takeOff = (mask: Uint8Array, sign: 1 | -1) =>
    atOnce(addMask(numbers, format.words, everything, mask, sign));
  if (seed !== null) takeOff(ownMask(seed, roster), -1);
  for (const helper of helpers) {
    const { sealing, masking } = helper.agreed.get(place)!;
    const isFirm = COVERS[cover[0]!] === "firm";
    const mask = isFirm
      ? firmMask(sealing, roster, place, helper.place)
      : pairMask(masking, roster, place, helper.place);
    takeOff(mask, place < helper.place ? -1 : 1);
  }
  return numbers;
}

const added = (vectors: readonly Uint32Array[], words: number): bigint[] =>
  Array.from({ length: size }, (_, at) => {
    const number = (vector: Uint32Array) =>
      Array.from({ length: words }, (_, w) => BigInt(vector[at * words + w]!) << BigInt(32 * w));
    const sum = vectors.flatMap(number).reduce((all, one) => all + one, 0n);
    return BigInt.asUintN(32 * words, sum);
  });

/** Share of the bits in which they differ: a half of what has nothing to do with each other. */
function bitsApart(a: Uint32Array, b: Uint32Array): number {
  const apart = a.reduce((sum, word, i) => {
    let [rest, count] = [(word ^ b[i]!) >>> 0, 0];
    for (; rest !== 0; rest &= rest - 1) count++;
    return sum + count;
  }, 0);
  return apart / (32 * a.length);
}

describe.each(["mendable", "firm"] as const)(
  "one device fewer than the threshold, under a %s cover",
  (cover) => {
    const ready = readyToSend(cover);
    const [helpers, honest] = [ready.slice(0, HELPING), ready.slice(HELPING)];
    const { format } = ready[0]!.coverage.roster;
    const bare = (part: ReadyToSend) => toWords(changesOf[part.place]!, 1, format);

    it("cannot put a secret together", () => {
      for (const { place, secrets } of honest) {
        const shares = helpers.map((helper) => ({
          place: helper.place,
          bytes: helper.shares.get(place)!.subarray(0, 32),
        }));
        const missing = {
          place: honest.find((other) => other.place !== place)!.place,
          bytes: new Uint8Array(32),
        };
        const theirs = honest
          .find((other) => other.place === missing.place)!
          .shares.get(place)!
          .subarray(0, 32);
        expect(joinShares([...shares, { ...missing, bytes: theirs }])).toEqual(secrets.maskSeed);
        // Any value of the missing share would give another secret: the three leave all of them possible.
        const guesses = Array.from({ length: 256 }, (_, byte) =>
          joinShares([...shares, { ...missing, bytes: theirs.map((own, i) => (i === 0 ? byte : own)) }]),
        );
        expect(new Set(guesses.map((secret) => secret[0])).size).toBe(256);
      }
    });

    it("learns of the honest ones' inputs their sum alone, once their own masks have been given up", () => {
      const left = honest.map((part) => residue(part, helpers, part.secrets.maskSeed));
      left.forEach((numbers, k) => {
        expect(Math.abs(bitsApart(numbers, bare(honest[k]!)) - 0.5)).toBeLessThan(0.03);
      });
      const sum = added(left, format.words);
      expect(sum).toEqual(added(honest.map(bare), format.words));
    });

    it("learns nothing of one whose input came too late: its own mask stays on", () => {
      const late = honest.at(-1)!;
      // Its masking key is given up, so that all masks with others come off.
      const others = ready.filter((part) => part !== late);
      const numbers = residue(late, others, null);
      expect(Math.abs(bitsApart(numbers, bare(late)) - 0.5)).toBeLessThan(0.03);
      expect(bitsApart(residue(late, others, late.secrets.maskSeed), bare(late))).toBe(0);
    });
  },
);
