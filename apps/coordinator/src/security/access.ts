/**
 * Who may join, beyond what the run itself refuses (locked, full, kicked by token). Only newcomers are asked: whoever
 * is known by a token has been let in before. What is decided here outlives a restart: `AccessRecord`.
 */
import { timingSafeEqual } from "node:crypto";
import type { AccessView, Refused } from "@fedlodrop/protocol";
import { z } from "zod";
import { refused } from "../edge.ts";
import type { Limits } from "./limits.ts";
import { createThrottle } from "./throttle.ts";

export const accessRecordSchema = z.strictObject({
  /** To be typed by newcomers; null needs none. */
  roomCode: z.string().nullable(),
  /** Newcomers wait for the host's word. */
  approval: z.boolean(),
  /** Who was removed, and the address it had then; null where that is not known. */
  kicks: z.array(z.strictObject({ participantId: z.string(), address: z.string().nullable() })).readonly(),
});
export type AccessRecord = Readonly<z.infer<typeof accessRecordSchema>>;

export const OPEN_ACCESS: AccessRecord = { roomCode: null, approval: false, kicks: [] };

interface Newcomer {
  /** Of its connection. */
  readonly id: string;
  readonly nickname: string;
  readonly address: string;
  readonly code: string | undefined;
}

export interface AccessOptions {
  readonly record: AccessRecord;
  readonly limits: () => Limits;
  readonly randomText: (bytes: number) => string;
  /** The record is another now: keep it. Also called when only the list of those who wait has changed. */
  readonly changed: () => void;
}

export interface Access {
  readonly record: AccessRecord;
  readonly view: AccessView;
  /** Null lets the newcomer join, now. */
  admit(newcomer: Newcomer): Promise<Refused | null>;
  /** Its connection is gone, or it has joined. */
  forget(id: string): void;
  /** The host's word on someone who waits; false for nobody of this id. */
  decide(id: string, allowed: boolean): boolean;
  requireApproval(required: boolean): void;
  /** A new code, or none. */
  useCode(wanted: boolean): void;
  /** Keeps a participant out. Its address is not closed, since a class-room shares one: newcomers from there wait for
   *  the host. Nor does the code that it knows let it in again from elsewhere: there is a new one. */
  kick(participantId: string, address: string | null): void;
  readmit(participantId: string): void;
}

/** Nobody waits longer in a list that is longer than a host can look through. */
const MOST_WAITING = 200;

export function openAccess({ record: initial, limits, randomText, changed }: AccessOptions): Access {
  let record = initial;
  const wrongCodes = createThrottle();
  const waiting = new Map<string, AccessView["waiting"][number]>();
  const approved = new Set<string>();
  const update = (change: Partial<AccessRecord>): void => {
    record = { ...record, ...change };
    changed();
  };

  async function codeRefusal({ address, code }: Newcomer): Promise<Refused | null> {
    if (record.roomCode === null) return null;
    if (code === undefined || code === "")
      return refused("wrong-code", "this run needs a room code: the host shows it");
    const most = limits().wrongCodesPerAddressAndMinute;
    // The right one has to wait as well, or guessing would never have to.
    if (await wrongCodes.exhausted(address, most))
      return refused("rate-limited", "too many wrong room codes from your network: try again in a minute");
    if (sameCode(code, record.roomCode)) return null;
    await wrongCodes.take(address, most);
    return refused("wrong-code", "this is not the room code: the host shows it");
  }

  function approvalRefusal({ id, nickname, address }: Newcomer): Refused | null {
    const kick = record.kicks.find((one) => one.address !== null && one.address === address);
    if ((!record.approval && kick === undefined) || approved.has(id)) return null;
    if (!waiting.has(id) && waiting.size >= MOST_WAITING)
      return refused("run-full", "too many wait for the host to let them in: try again later");
    waiting.set(id, { id, nickname, sameAddressAs: kick?.participantId ?? null });
    changed();
    return refused("awaiting-approval", "the host has been asked to let you in");
  }

  return {
    get record() {
      return record;
    },
    get view() {
      const { roomCode, approval } = record;
      return { roomCode, approval, waiting: [...waiting.values()] };
    },
    async admit(newcomer) {
      return (await codeRefusal(newcomer)) ?? approvalRefusal(newcomer);
    },
    forget(id) {
      approved.delete(id);
      if (waiting.delete(id)) changed();
    },
    decide(id, allowed) {
      if (!waiting.delete(id)) return false;
      if (allowed) approved.add(id);
      changed();
      return true;
    },
    requireApproval: (approval) => update({ approval }),
    useCode: (wanted) => update({ roomCode: wanted ? randomCode(randomText) : null }),
    kick(participantId, address) {
      const others = record.kicks.filter((kick) => kick.participantId !== participantId);
      update({
        kicks: [...others, { participantId, address }],
        ...(record.roomCode !== null && { roomCode: randomCode(randomText) }),
      });
    },
    readmit: (participantId) =>
      update({ kicks: record.kicks.filter((kick) => kick.participantId !== participantId) }),
  };
}

/** Letters that are hard to mistake for one another; six of them are 148 million codes. */
const LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ";

const randomCode = (randomText: (bytes: number) => string): string =>
  [...Buffer.from(randomText(12), "base64url")]
    .slice(0, 6)
    .map((byte) => LETTERS[byte % LETTERS.length])
    .join("");

/** A code as a host chooses it, or `random`. @throws when it could be guessed in no time */
export function readRoomCode(text: string, randomText: (bytes: number) => string): string {
  if (text === "random") return randomCode(randomText);
  const plain = plainCode(text);
  if (!/^[A-Z0-9]{4,32}$/.test(plain))
    throw new Error(`expected 4 to 32 letters or digits, or random, got "${text}"`);
  return plain;
}

/** As people type it: without case, spaces and dashes. */
const plainCode = (code: string): string => code.toUpperCase().replace(/[\s-]/g, "");

function sameCode(given: string, wanted: string): boolean {
  const [left, right] = [Buffer.from(plainCode(given)), Buffer.from(plainCode(wanted))];
  return left.length === right.length && timingSafeEqual(left, right);
}
