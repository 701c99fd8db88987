/** Who asks over HTTP: the host by its key, a participant by its session token, both as `Authorization: Bearer …`. */
import { timingSafeEqual } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import { senderOf } from "./address.ts";
import type { Limits } from "./limits.ts";
import { createThrottle } from "./throttle.ts";

export interface CredentialOptions {
  readonly hostKey: string;
  /** The participant of a token, if it still may take part. */
  readonly participantOf: (token: string) => Promise<string | undefined>;
  readonly limits: () => Limits;
  readonly trustProxy: boolean;
}

export interface Credentials {
  /** `host`, a participant's id, or undefined for a stranger. */
  holderOf(request: FastifyRequest): Promise<string | undefined>;
  /** For routes that strangers may not read: answers 401 or 429 itself. */
  readonly required: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply | undefined>;
}

export function openCredentials({
  hostKey,
  participantOf,
  limits,
  trustProxy,
}: CredentialOptions): Credentials {
  const strangers = createThrottle();
  const readings = createThrottle();

  async function holderOf({ headers }: FastifyRequest): Promise<string | undefined> {
    const token = bearer(headers.authorization);
    if (token === undefined) return undefined;
    return sameSecret(token, hostKey) ? "host" : participantOf(token);
  }

  return {
    holderOf,
    async required(request, reply) {
      const holder = await holderOf(request);
      const { wrongTokensPerAddressAndMinute, readingsPerHolderAndMinute } = limits();
      const [counter, who, most] =
        holder === undefined
          ? ([strangers, senderOf(request.raw, trustProxy), wrongTokensPerAddressAndMinute] as const)
          : ([readings, holder, readingsPerHolderAndMinute] as const);
      if (!(await counter.take(who, most)))
        return reply.code(429).header("retry-after", "60").send({ error: "too many requests a minute" });
      if (holder !== undefined) return undefined;
      return reply.code(401).header("www-authenticate", "Bearer").send({
        error: "the host key or a participant's session token is needed, got none that is known",
      });
    },
  };
}

const bearer = (authorization: string | undefined): string | undefined =>
  /^Bearer (\S+)$/.exec(authorization ?? "")?.[1];

/** In a time that does not tell where they differ. */
export function sameSecret(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
