/**
 * A device's part of a round under secure aggregation (Bonawitz et al. 2017): five steps, each from the coordinator's
 * message to the answer. A step takes the state that the step before gave, so that none can be left out or done twice with
 * the same secrets; what does not fit is refused, and the device takes no further part.
 */
import { atOnce } from "@fedlodrop/run";
import { concatBytes } from "@noble/hashes/utils.js";
import { isBetrayed, keepersOf } from "./company.ts";
import { circleOf, survivorThreshold } from "./device-graph.ts";
import { packNumbers, toWords } from "./fixed-point.ts";
import {
  agreedSecret,
  agreementKeys,
  derivedKey,
  digest,
  isSame,
  isSigned,
  KEY_BYTES,
  type KeyPair,
  type RandomBytes,
  SEALED_BYTES,
  SIGNATURE_BYTES,
  seal,
  sign,
  unseal,
} from "./keys.ts";
import { addMask } from "./mask-stream.ts";
import { type Refusal, refused, type ToDevice } from "./messages.ts";
import {
  advertised,
  advertisementProblem,
  type Coverage,
  commonPositions,
  coverageOf,
  openRoster,
  type Roster,
  type SecureTerms,
  sentIndices,
  survivorsSigned,
} from "./roster.ts";
import { splitSecret } from "./shamir.ts";

/** What the device knows of itself before the round. */
export interface OwnPart {
  readonly terms: SecureTerms;
  readonly id: string;
  readonly weight: number;
  readonly dropoutRate: number;
  /** Lasts for the run: others know the device by it. */
  readonly identity: KeyPair;
  /** Identities of others as this device saw them first. */
  readonly known: ReadonlyMap<string, Uint8Array>;
}

interface Secrets {
  readonly sealing: KeyPair;
  readonly masking: KeyPair;
  /** Of its own mask. */
  readonly maskSeed: Uint8Array;
}

/** Secrets in common with a neighbour, of either pair of keys. */
interface Agreed {
  readonly sealing: Uint8Array;
  readonly masking: Uint8Array;
}

export interface Advertised {
  readonly kind: "advertised";
  readonly own: OwnPart;
  readonly secrets: Secrets;
  readonly advertisement: Uint8Array;
}

export interface Shared {
  readonly kind: "shared";
  readonly own: OwnPart;
  readonly secrets: Secrets;
  readonly roster: Roster;
  readonly place: number;
  /** Of its own two secrets, in its own circle. */
  readonly ownShares: Uint8Array;
  /** With each neighbour, by place. */
  readonly agreed: ReadonlyMap<number, Agreed>;
}

export interface ReadyToSend {
  readonly kind: "ready-to-send";
  readonly own: OwnPart;
  readonly secrets: Secrets;
  readonly coverage: Coverage;
  readonly place: number;
  readonly senders: readonly string[];
  /** Two shares a sender of its circle, by place. */
  readonly shares: ReadonlyMap<number, Uint8Array>;
  readonly agreed: ReadonlyMap<number, Agreed>;
  /** Places in the full vector of the values that it sends. */
  readonly indices: Uint32Array;
}

export interface Signed {
  readonly kind: "signed";
  readonly part: ReadyToSend;
  readonly survivors: readonly string[];
}

type Step<S> = { readonly kind: "done"; readonly state: S; readonly bytes: Uint8Array } | Refusal;
type Told<K extends ToDevice["kind"]> = Extract<ToDevice, { kind: K }>;

export const maskCommitment = (maskSeed: Uint8Array): Uint8Array => digest("mask-seed", maskSeed);

/** First step: fresh keys for this round, signed. */
export function advertise(
  own: OwnPart,
  randomBytes: RandomBytes,
): { readonly state: Advertised; readonly bytes: Uint8Array } {
  const secrets = {
    sealing: agreementKeys(randomBytes),
    masking: agreementKeys(randomBytes),
    maskSeed: randomBytes(KEY_BYTES),
  };
  const fields = concatBytes(
    own.identity.publicKey,
    secrets.sealing.publicKey,
    secrets.masking.publicKey,
    maskCommitment(secrets.maskSeed),
  );
  const advertisement = concatBytes(fields, sign(advertised(own.terms, own.id, fields), own.identity));
  return { state: { kind: "advertised", own, secrets, advertisement }, bytes: advertisement };
}

/** Second step: shares of both secrets, sealed for each neighbour. */
export function share(
  { own, secrets, advertisement }: Advertised,
  { entries }: Told<"roster">,
  randomBytes: RandomBytes,
): Step<Shared> {
  const { terms, id, weight, dropoutRate, known } = own;
  const self = entries.find((entry) => entry.id === id);
  if (self === undefined) return refused("roster: this device is not in it");
  if (!isSame(self.advertisement, advertisement))
    return refused("roster: this device's keys are not those it sent");
  if (self.weight !== weight || self.dropoutRate !== dropoutRate)
    return refused(
      `roster: expected weight ${weight} at dropout rate ${dropoutRate}, got ${self.weight} at ${self.dropoutRate}`,
    );
  for (const entry of entries) {
    const problem = advertisementProblem(terms, entry.id, entry.advertisement);
    if (problem !== null) return refused(problem);
    const before = known.get(entry.id);
    if (before !== undefined && !isSame(before, entry.advertisement.subarray(0, KEY_BYTES)))
      return refused(`roster: ${entry.id} is not the device that it was in an earlier round`);
  }
  let roster: Roster;
  try {
    roster = openRoster(terms, entries);
  } catch (error) {
    return refused((error as Error).message);
  }
  if (entries.length < 2) return refused("roster: expected two devices at least, got one");
  const place = roster.places.get(id) as number;
  const circle = circleOf(roster.graph, place);
  const split = (secret: Uint8Array) =>
    splitSecret(secret, circle.length, roster.graph.shareThreshold, randomBytes);
  const [ofSeed, ofKey] = [split(secrets.maskSeed), split(secrets.masking.secretKey)];
  const both = (at: number): Uint8Array => concatBytes(ofSeed[at] as Uint8Array, ofKey[at] as Uint8Array);
  const sealed: Uint8Array[] = [];
  const agreed = new Map<number, Agreed>();
  try {
    circle.forEach((other, at) => {
      if (other === place) return;
      const { sealKey, maskKey } = roster.keys[other] as Roster["keys"][number];
      const sealing = agreedSecret(secrets.sealing.secretKey, sealKey);
      agreed.set(other, { sealing, masking: agreedSecret(secrets.masking.secretKey, maskKey) });
      sealed.push(seal(derivedKey(sealing, roster.binding, "seal", place, other), both(at)));
    });
  } catch {
    return refused("roster: a key in it is no point of the curve");
  }
  const ownShares = both(circle.indexOf(place));
  return {
    kind: "done",
    state: { kind: "shared", own, secrets, roster, place, ownShares, agreed },
    bytes: concatBytes(...sealed),
  };
}

/** Third step: the shares of others are kept. What the device will send is known from here on. */
export function takeShares(
  { own, secrets, roster, place, ownShares, agreed }: Shared,
  { senders, bytes }: Told<"sealed">,
): ReadyToSend | Refusal {
  const places = placesOf(roster, senders);
  if (typeof places === "string") return refused(`senders: ${places}`);
  if (!places.includes(place)) return refused("senders: this device is not among them");
  const needed = survivorThreshold(roster.entries.length);
  if (places.length < needed) return refused(`senders: expected ${needed} at least, got ${places.length}`);
  const among = new Set(places);
  const neighbours = [...(roster.graph.neighbours[place] as Uint32Array)].filter((other) => among.has(other));
  if (bytes.length !== neighbours.length * SEALED_BYTES)
    return refused(`sealed shares: expected ${neighbours.length * SEALED_BYTES} bytes, got ${bytes.length}`);
  const shares = new Map([[place, ownShares]]);
  neighbours.forEach((other, at) => {
    const { sealing } = agreed.get(other) as Agreed;
    const key = derivedKey(sealing, roster.binding, "seal", other, place);
    const opened = unseal(key, bytes.subarray(at * SEALED_BYTES, (at + 1) * SEALED_BYTES));
    // One that does not open is as good as none: the others' shares are enough, or the round ends.
    if (opened !== null && opened.length === 2 * KEY_BYTES) shares.set(other, opened);
  });
  const coverage = atOnce(coverageOf(roster, among));
  return {
    kind: "ready-to-send",
    own,
    secrets,
    coverage,
    place,
    senders,
    shares,
    agreed,
    indices: sentIndices(coverage, place),
  };
}

/**
 * Fourth: the masked changes of the values at `indices`.
 * @param changes of those values, in their order @param noise grains to add to each, or null
 */
export function maskChanges(
  part: ReadyToSend,
  changes: Float32Array,
  noise: Float64Array | null = null,
): Uint8Array {
  const { own, secrets, coverage, place, agreed, indices } = part;
  const { roster, kept } = coverage;
  const { words } = roster.format;
  if (changes.length !== indices.length)
    throw new Error(`changes: expected ${indices.length}, got ${changes.length}`);
  const numbers = toWords(changes, own.weight, roster.format, noise);
  const all = Uint32Array.from(indices, (_, position) => position);
  atOnce(addMask(numbers, words, all, ownMask(secrets.maskSeed, roster), 1));
  for (const other of roster.graph.neighbours[place] as Uint32Array) {
    if (kept[other] === null) continue;
    const { sealing, masking } = agreed.get(other) as Agreed;
    const sign = place < other ? 1 : -1;
    const mendable = commonPositions(coverage, indices, other, "mendable");
    if (mendable.length > 0)
      atOnce(addMask(numbers, words, mendable, pairMask(masking, roster, place, other), sign));
    const firm = commonPositions(coverage, indices, other, "firm");
    if (firm.length > 0) atOnce(addMask(numbers, words, firm, firmMask(sealing, roster, place, other), sign));
  }
  return packNumbers(numbers, roster.format);
}

export const ownMask = (maskSeed: Uint8Array, { binding }: Roster): Uint8Array =>
  derivedKey(maskSeed, binding, "own-mask");

/**
 * Masks are of a pair of places, not of what the two agreed on alone: a device that announces another's key as its own would
 * otherwise give its neighbours the same mask twice, with which they could cancel their own.
 */
const ofPair =
  (purpose: string) =>
  (agreed: Uint8Array, { binding }: Roster, one: number, other: number): Uint8Array =>
    derivedKey(agreed, binding, purpose, Math.min(one, other), Math.max(one, other));
export const pairMask = ofPair("pair-mask");
export const firmMask = ofPair("firm-mask");

/** Signs who is left, once: devices that were told something else will notice. */
export function signSurvivors(part: ReadyToSend, { survivors }: Told<"survivors">): Step<Signed> {
  const { own, coverage, senders, place } = part;
  const { roster, kept, cover, keepers } = coverage;
  const places = placesOf(roster, survivors);
  if (typeof places === "string") return refused(`survivors: ${places}`);
  if (places.some((other) => kept[other] === null))
    return refused("survivors: one of them had not shared its secrets");
  if (!places.includes(place)) return refused("survivors: this device is not among them");
  const needed = survivorThreshold(roster.entries.length);
  if (places.length < needed) return refused(`survivors: expected ${needed} at least, got ${places.length}`);
  const among = new Set(places);
  const left = keepersOf(
    keepers.units,
    kept.map((units, other) => (among.has(other) ? units : null)),
  );
  if (isBetrayed(roster.graph, cover, left))
    return refused("survivors: they would leave a device alone in what it sent");
  const signature = sign(survivorsSigned(roster, senders, survivors), own.identity);
  return { kind: "done", state: { kind: "signed", part, survivors }, bytes: signature };
}

/** Last: one share of each sender in its circle, of the mask's seed if it is left, otherwise of its masking key. */
export function reveal({ part, survivors }: Signed, { signers, bytes }: Told<"signatures">): Step<null> {
  const { coverage, place, senders, shares } = part;
  const { roster, kept } = coverage;
  const places = placesOf(roster, signers);
  if (typeof places === "string") return refused(`signers: ${places}`);
  const left = new Set(survivors);
  if (signers.some((id) => !left.has(id))) return refused("signers: one of them is not among the survivors");
  const needed = survivorThreshold(roster.entries.length);
  if (places.length < needed) return refused(`signers: expected ${needed} at least, got ${places.length}`);
  if (bytes.length !== places.length * SIGNATURE_BYTES)
    return refused(`signatures: expected ${places.length * SIGNATURE_BYTES} bytes, got ${bytes.length}`);
  const signed = survivorsSigned(roster, senders, survivors);
  for (const [at, signer] of places.entries()) {
    const signature = bytes.subarray(at * SIGNATURE_BYTES, (at + 1) * SIGNATURE_BYTES);
    if (!isSigned(signed, signature, (roster.keys[signer] as Roster["keys"][number]).identity))
      return refused(`signatures: ${signers[at]} has not signed what this device was told`);
  }
  const fields: Uint8Array[] = [];
  for (const other of circleOf(roster.graph, place)) {
    if (kept[other] === null) continue;
    const both = shares.get(other);
    const isLeft = left.has((roster.entries[other] as Roster["entries"][number]).id);
    const share = both?.subarray(isLeft ? 0 : KEY_BYTES, isLeft ? KEY_BYTES : 2 * KEY_BYTES);
    fields.push(Uint8Array.of(share === undefined ? 0 : 1), share ?? new Uint8Array(KEY_BYTES));
  }
  return { kind: "done", state: null, bytes: concatBytes(...fields) };
}

/** Places of ids that are in the roster's order, each once; otherwise what is wrong. */
function placesOf({ places }: Roster, ids: readonly string[]): readonly number[] | string {
  const found: number[] = [];
  for (const id of ids) {
    const place = places.get(id);
    if (place === undefined) return `${id} is not in the roster`;
    if (place <= (found.at(-1) ?? -1)) return `expected each once and in order, got ${id}`;
    found.push(place);
  }
  return found;
}
