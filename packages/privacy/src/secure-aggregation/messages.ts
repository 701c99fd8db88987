/** What devices and coordinator say to each other in a round; bytes are fields of fixed length, one after the other. */
import { concatBytes } from "@noble/hashes/utils.js";
import { ADVERTISEMENT_BYTES, type RosterEntry } from "./roster.ts";

export type FromDevice =
  /** `Advertisement` */
  | { readonly kind: "keys"; readonly bytes: Uint8Array }
  /** For each neighbour in order: sealed shares of the two secrets. */
  | { readonly kind: "shares"; readonly bytes: Uint8Array }
  | { readonly kind: "input"; readonly bytes: Uint8Array }
  /** Of who is left. */
  | { readonly kind: "signature"; readonly bytes: Uint8Array }
  /** For each sender of its circle in order: a byte that is 1 if the share is there, and the share. */
  | { readonly kind: "reveal"; readonly bytes: Uint8Array };

export type ToDevice =
  | { readonly kind: "roster"; readonly entries: readonly RosterEntry[] }
  /** Who has shared, and for each neighbour among them, in order, what it sealed for this device. */
  | { readonly kind: "sealed"; readonly senders: readonly string[]; readonly bytes: Uint8Array }
  | { readonly kind: "survivors"; readonly survivors: readonly string[] }
  /** One after the other, in the order of the signers. */
  | { readonly kind: "signatures"; readonly signers: readonly string[]; readonly bytes: Uint8Array };

/** As it travels: the advertisements of a roster are one field of bytes. */
export type SentToDevice =
  | Exclude<ToDevice, { kind: "roster" }>
  | {
      readonly kind: "roster";
      readonly devices: readonly Omit<RosterEntry, "advertisement">[];
      readonly bytes: Uint8Array;
    };

export function packed(message: ToDevice): SentToDevice {
  if (message.kind !== "roster") return message;
  const devices = message.entries.map(({ advertisement: _, ...device }) => device);
  return {
    kind: "roster",
    devices,
    bytes: concatBytes(...message.entries.map(({ advertisement }) => advertisement)),
  };
}

export function unpacked(message: SentToDevice): ToDevice | Refusal {
  if (message.kind !== "roster") return message;
  const { devices, bytes } = message;
  if (bytes.length !== devices.length * ADVERTISEMENT_BYTES)
    return refused(`roster: expected ${devices.length * ADVERTISEMENT_BYTES} bytes, got ${bytes.length}`);
  const advertisement = (at: number) =>
    bytes.subarray(at * ADVERTISEMENT_BYTES, (at + 1) * ADVERTISEMENT_BYTES);
  return {
    kind: "roster",
    entries: devices.map((device, at) => ({ ...device, advertisement: advertisement(at) })),
  };
}

/** Nothing has changed; the round goes on without whoever refuses. */
export interface Refusal {
  readonly kind: "refused";
  readonly message: string;
}
export const refused = (message: string): Refusal => ({ kind: "refused", message });
