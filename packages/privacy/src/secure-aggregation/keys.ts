/**
 * Keys of a device, by @noble/curves, hashes and ciphers. X25519 (RFC 7748) agrees on secrets, Ed25519 (RFC 8032) says
 * whose they are, HKDF-SHA-256 (RFC 5869) makes one key for each purpose of them, ChaCha20-Poly1305 (RFC 8439) seals shares.
 */
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { ed25519, x25519 } from "@noble/curves/ed25519.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";

/** Unpredictable bytes: the platform's, in production. */
export type RandomBytes = (length: number) => Uint8Array;

export interface KeyPair {
  readonly secretKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

export const KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;
/** Two shares and the seal's tag. */
export const SEALED_BYTES = 2 * KEY_BYTES + 16;

export const agreementKeys = (randomBytes: RandomBytes): KeyPair => x25519.keygen(randomBytes(KEY_BYTES));
/** Lasts as long as the device's identity. */
export const signingKeys = (randomBytes: RandomBytes): KeyPair => ed25519.keygen(randomBytes(KEY_BYTES));
/** Of signing keys that are the same whenever they are made of this secret for this purpose. */
export const identitySeed = (secret: string, purpose: string): Uint8Array =>
  hkdf(sha256, utf8ToBytes(secret), digest("fedlodrop identity"), digest(purpose), KEY_BYTES);
export const publicKeyOf = (secretKey: Uint8Array): Uint8Array => x25519.getPublicKey(secretKey);

/** A digest of parts that keeps their borders. */
export function digest(...parts: readonly (string | number | Uint8Array)[]): Uint8Array {
  const bytes = parts.map((part) => (typeof part === "object" ? part : utf8ToBytes(String(part))));
  return sha256(concatBytes(utf8ToBytes(bytes.map(({ length }) => length).join(",")), ...bytes));
}

export const sign = (message: Uint8Array, { secretKey }: KeyPair): Uint8Array =>
  ed25519.sign(message, secretKey);

/** False for whatever is no signature of this message by that key. */
export function isSigned(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean {
  try {
    return ed25519.verify(signature, message, publicKey);
  } catch {
    return false; // points that are none
  }
}

/** What two devices have in common and nobody else: the source of keys, never a key. @throws on a public key of small order */
export const agreedSecret = (secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array =>
  x25519.getSharedSecret(secretKey, publicKey);

/** Whether secrets can be agreed on with this key: points of small order give none. */
export function isPoint(publicKey: Uint8Array): boolean {
  try {
    return agreedSecret(new Uint8Array(KEY_BYTES).fill(1), publicKey).length === KEY_BYTES;
  } catch {
    return false;
  }
}

/** A key for one purpose in one round. */
export const derivedKey = (
  secret: Uint8Array,
  round: Uint8Array,
  ...purpose: readonly (string | number)[]
): Uint8Array => hkdf(sha256, secret, round, digest("fedlodrop", ...purpose), KEY_BYTES);

/** Each key seals one message, so the nonce may stay. */
const NONCE = new Uint8Array(12);
export const seal = (key: Uint8Array, message: Uint8Array): Uint8Array =>
  chacha20poly1305(key, NONCE).encrypt(message);

/** Null for what was not sealed with this key, or has been changed. */
export function unseal(key: Uint8Array, sealed: Uint8Array): Uint8Array | null {
  try {
    return chacha20poly1305(key, NONCE).decrypt(sealed);
  } catch {
    return null;
  }
}

export const isSame = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);
