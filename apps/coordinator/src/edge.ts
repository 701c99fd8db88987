/** The edge of the program: what arrives from a socket is unknown until a schema has seen it. */
import type { Refusal } from "@fedlodrop/federation";
import type { Accepted, HostRefusal, RefusalReason, Refused } from "@fedlodrop/protocol";
import { faultInWords } from "@fedlodrop/run";
import type { z } from "zod";

export const accepted: Accepted = { kind: "accepted" };

export const refused = (reason: RefusalReason, message: string): Refused => ({
  kind: "refused",
  reason,
  message,
});

/** The machine's answer as it goes to the sender. */
export const asReply = (refusal: Refusal | null): Accepted | Refused =>
  refusal === null ? accepted : refused(refusal.reason, refusal.message);

/** Why a host's connection is not taken; Socket.IO sends an error's message and data. */
export const hostRefused = (reason: HostRefusal, message: string): Error =>
  Object.assign(new Error(message), { data: { reason } });

/** The message, or a refusal that names the first field that is wrong. */
export function parse<T>(schema: z.ZodType<T>, message: unknown): { kind: "parsed"; value: T } | Refused {
  const result = schema.safeParse(message);
  if (result.success) return { kind: "parsed", value: result.data };
  return refused("bad-message", faultInWords(result.error, "message"));
}

/** The acknowledgement of an event: its last argument if the sender wants one. */
export function replyOf(args: readonly unknown[]): (reply: unknown) => void {
  const last = args.at(-1);
  return typeof last === "function" ? (last as (reply: unknown) => void) : () => {};
}
