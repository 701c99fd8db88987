/**
 * Devices of a secure round for a bench of the coordinator's work: what they send is what real ones would send as far as
 * sums, shares and signatures go, made with what one process can share among them. Masks of two that both last cancel in
 * the sum, so a scripted device leaves out those with others of its kind; what the coordinator takes off is all there.
 */
import type { FromDevice, SecureRound, SecureTerms } from "@fedlodrop/privacy";
import { atOnce } from "@fedlodrop/run";
import { maskCommitment, ownMask, pairMask } from "../packages/privacy/src/secure-aggregation/device.ts";
import { circleOf, type DeviceGraph } from "../packages/privacy/src/secure-aggregation/device-graph.ts";
import { packNumbers, toWords } from "../packages/privacy/src/secure-aggregation/fixed-point.ts";
import {
  agreedSecret,
  agreementKeys,
  derivedKey,
  KEY_BYTES,
  type KeyPair,
  SEALED_BYTES,
  sign,
  unseal,
} from "../packages/privacy/src/secure-aggregation/keys.ts";
import { addMask } from "../packages/privacy/src/secure-aggregation/mask-stream.ts";
import {
  advertised,
  commonPositions,
  type Roster,
  sentIndices,
  survivorsSigned,
} from "../packages/privacy/src/secure-aggregation/roster.ts";
import { splitSecret } from "../packages/privacy/src/secure-aggregation/shamir.ts";

type RandomBytes = (length: number) => Uint8Array;

interface Scripted {
  readonly identity: KeyPair;
  readonly sealing: KeyPair;
  readonly masking: KeyPair;
  readonly seed: Uint8Array;
  /** Of its seed and its masking key, in the order of its circle; split when the circle is known. */
  shares: readonly (readonly Uint8Array[])[];
}

export interface Crowd {
  /** @param real ids of devices whose own code takes part @param vanishing ids that send no input */
  answer(
    id: string,
    state: SecureRound,
    real: ReadonlySet<string>,
    vanishing: ReadonlySet<string>,
    sealedFor: (id: string) => Uint8Array | undefined,
  ): FromDevice;
}

/** @param changesOf of the values at these places of the full vector */
export function openCrowd(
  terms: SecureTerms,
  weight: number,
  identities: ReadonlyMap<string, KeyPair>,
  changesOf: (indices: Uint32Array) => Float32Array,
  randomBytes: RandomBytes,
): Crowd {
  const devices = new Map<string, Scripted>();
  const scripted = (id: string): Scripted => {
    const known = devices.get(id);
    if (known !== undefined) return known;
    const fresh: Scripted = {
      identity: identities.get(id) as KeyPair,
      sealing: agreementKeys(randomBytes),
      masking: agreementKeys(randomBytes),
      seed: randomBytes(KEY_BYTES),
      shares: [],
    };
    devices.set(id, fresh);
    return fresh;
  };

  function advertisement(id: string): Uint8Array {
    const { identity, sealing, masking, seed } = scripted(id);
    const fields = Buffer.concat([
      ...[identity.publicKey, sealing.publicKey, masking.publicKey, maskCommitment(seed)],
    ]);
    return Buffer.concat([fields, sign(advertised(terms, id, fields), identity)]);
  }

  function split(id: string, graph: DeviceGraph, circle: Uint32Array): void {
    const own = scripted(id);
    own.shares = [own.seed, own.masking.secretKey].map((secret) =>
      splitSecret(secret, circle.length, graph.shareThreshold, randomBytes),
    );
  }

  return {
    answer(id, state, real, vanishing, sealedFor) {
      const own = scripted(id);
      switch (state.kind) {
        case "keys":
          return { kind: "keys", bytes: advertisement(id) };
        case "shares": {
          const { graph, places } = state.roster;
          const circle = circleOf(graph, places.get(id) as number);
          split(id, graph, circle);
          return { kind: "shares", bytes: randomBytes((circle.length - 1) * SEALED_BYTES) };
        }
        case "inputs": {
          const { coverage } = state;
          const { roster } = coverage;
          const place = roster.places.get(id) as number;
          const { words } = roster.format;
          const indices = sentIndices(coverage, place);
          const numbers = toWords(changesOf(indices), weight, roster.format);
          const all = Uint32Array.from(indices, (_, position) => position);
          atOnce(addMask(numbers, words, all, ownMask(own.seed, roster), 1));
          for (const other of roster.graph.neighbours[place] as Uint32Array) {
            const theirs = (roster.entries[other] as Roster["entries"][number]).id;
            if (!real.has(theirs) && !vanishing.has(theirs)) continue;
            const { sealKey, maskKey } = roster.keys[other] as Roster["keys"][number];
            const sign = place < other ? 1 : -1;
            const mendable = commonPositions(coverage, indices, other, "mendable");
            const pair = pairMask(agreedSecret(own.masking.secretKey, maskKey), roster, place, other);
            atOnce(addMask(numbers, words, mendable, pair, sign));
            const firm = commonPositions(coverage, indices, other, "firm");
            if (firm.length === 0) continue;
            const [least, most] = [Math.min(place, other), Math.max(place, other)];
            const agreed = agreedSecret(own.sealing.secretKey, sealKey);
            const key = derivedKey(agreed, roster.binding, "firm-mask", least, most);
            atOnce(addMask(numbers, words, firm, key, sign));
          }
          return { kind: "input", bytes: packNumbers(numbers, roster.format) };
        }
        case "signatures": {
          const { coverage, senders, survivors } = state;
          return {
            kind: "signature",
            bytes: sign(survivorsSigned(coverage.roster, senders, survivors), own.identity),
          };
        }
        case "reveals": {
          const { coverage, survivors } = state;
          const { roster, kept } = coverage;
          const [me, left] = [roster.places.get(id) as number, new Set(survivors)];
          const fields = [...circleOf(roster.graph, me)].flatMap((other) => {
            if (kept[other] === null) return [];
            const { id: owner } = roster.entries[other] as Roster["entries"][number];
            const which = left.has(owner) ? 0 : 1;
            const share = real.has(owner)
              ? shareOfReal(roster, own, me, other, which, sealedFor(id))
              : devices.get(owner)?.shares[which]?.[circleOf(roster.graph, other).indexOf(me)];
            return share === undefined
              ? [Uint8Array.of(0), new Uint8Array(KEY_BYTES)]
              : [Uint8Array.of(1), share];
          });
          return { kind: "reveal", bytes: Buffer.concat(fields) };
        }
        default:
          return state satisfies never;
      }
    },
  };
}

/** What a real device sealed for this one. @param sealed all that was passed on to it, neighbour by neighbour */
function shareOfReal(
  roster: Roster,
  own: Scripted,
  me: number,
  other: number,
  which: number,
  sealed: Uint8Array | undefined,
): Uint8Array | undefined {
  const at = (roster.graph.neighbours[me] as Uint32Array).indexOf(other);
  const { sealKey } = roster.keys[other] as Roster["keys"][number];
  const key = derivedKey(agreedSecret(own.sealing.secretKey, sealKey), roster.binding, "seal", other, me);
  const both = sealed && unseal(key, sealed.subarray(at * SEALED_BYTES, (at + 1) * SEALED_BYTES));
  return both?.subarray(which * KEY_BYTES, (which + 1) * KEY_BYTES);
}
