/**
 * Who asks over HTTP: the host by its key, a participant by its session token, both as `Authorization: Bearer …`; and a
 * host whose browser asks for the key as a password, with any name.
 */
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

type Guard = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply | undefined>;

export interface Credentials {
  /** `host`, a participant's id, or undefined for a stranger. */
  holderOf(request: FastifyRequest): Promise<string | undefined>;
  /** For routes that strangers may not read: answers 401 or 429 itself. */
  readonly required: Guard;
  /** For what shows more than one run. */
  readonly hostOnly: Guard;
  /** The same for a page that a browser opens. */
  readonly hostInBrowser: Guard;
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
    return holderWith(bearer(headers.authorization));
  }

  async function holderWith(token: string | undefined): Promise<string | undefined> {
    if (token === undefined) return undefined;
    return sameSecret(token, hostKey) ? "host" : participantOf(token);
  }

  const guard =
    (
      admits: (holder: string) => boolean,
      scheme: string,
      needed: string,
      secretIn: (authorization?: string) => string | undefined = bearer,
      countedAs?: string,
    ): Guard =>
    async (request, reply) => {
      const holder = await holderWith(secretIn(request.headers.authorization));
      const { wrongTokensPerAddressAndMinute, readingsPerHolderAndMinute } = limits();
      const [counter, who, most] =
        holder === undefined
          ? ([strangers, senderOf(request.raw, trustProxy), wrongTokensPerAddressAndMinute] as const)
          : ([readings, countedAs ?? holder, readingsPerHolderAndMinute] as const);
      if (!(await counter.take(who, most)))
        return reply.code(429).header("retry-after", "60").send({ error: "too many requests a minute" });
      if (holder !== undefined && admits(holder)) return undefined;
      return reply
        .code(401)
        .header("www-authenticate", scheme)
        .send({ error: `${needed} is needed, got none that is known` });
    };
  const isHost = (holder: string): boolean => holder === "host";

  return {
    holderOf,
    required: guard(() => true, "Bearer", "the host key or a participant's session token"),
    hostOnly: guard(isHost, "Bearer", "the host key"),
    // Counted for itself: a browser sends a password with whatever it is made to ask for, and asks anew by itself.
    hostInBrowser: guard(
      isHost,
      'Basic realm="host key as password"',
      "the host key as password",
      (authorization) => bearer(authorization) ?? password(authorization),
      "host's browser",
    ),
  };
}

const bearer = (authorization = ""): string | undefined => /^Bearer (\S+)$/.exec(authorization)?.[1];

function password(authorization = ""): string | undefined {
  const [, secret] = /^Basic (\S+)$/.exec(authorization) ?? [];
  return secret && /:(.*)$/s.exec(Buffer.from(secret, "base64").toString())?.[1];
}

/** In a time that does not tell where they differ. */
export function sameSecret(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
