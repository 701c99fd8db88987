/**
 * Which pages may open a connection. A browser names the page's origin; by default only pages that this coordinator
 * served are let in: their origin is the very host that they ask, and that host is an address or this machine's name.
 * Other names could be an attacker's that resolves to this machine (DNS rebinding): behind a proxy or tunnel, its
 * address has to be allowed. Programs name no origin; they are let in unless told otherwise.
 */
import { isIP } from "node:net";
import { hostname } from "node:os";

export interface OriginRule {
  /** Further origins, such as `https://lab.example`; `*` is any. */
  readonly allowed: readonly string[];
  /** Refuse clients that name no origin. */
  readonly required: boolean;
}

export interface RequestHeaders {
  readonly origin?: string | undefined;
  readonly host?: string | undefined;
  readonly "sec-fetch-site"?: string | undefined;
}

/** Null when the connection is allowed, else why not, in one line. */
export function originFault(headers: RequestHeaders, { allowed, required }: OriginRule): string | null {
  const { origin } = headers;
  if (origin === undefined || origin === "") {
    // A page's same-origin GET names no origin, but newer browsers say where it came from.
    const site = headers["sec-fetch-site"];
    if (site === "same-origin") return null;
    if (site !== undefined && site !== "none")
      return `a page of another site (${site}) asked for a connection`;
    return required ? "a client that names no origin asked for a connection" : null;
  }
  if (allowed.includes("*") || allowed.some((one) => sameOrigin(one, origin))) return null;
  return isOwn(origin, headers.host)
    ? null
    : `a page of ${origin} asked for a connection; if it is yours, start with --allow-origin ${origin}`;
}

/** `https://lab.example` as people write it. @throws for anything that is no origin */
export function readOrigin(text: string): string {
  if (text === "*") return text;
  const origin = parse(text)?.origin;
  if (origin === undefined || origin === "null")
    throw new Error(`expected an origin such as https://lab.example, or *, got "${text}"`);
  return origin;
}

const sameOrigin = (a: string, b: string): boolean => parse(a)?.origin === parse(b)?.origin;

function isOwn(origin: string, host: string | undefined): boolean {
  const page = parse(origin);
  if (page === undefined || host === undefined) return false;
  // The scheme is the page's: whether a proxy speaks TLS is not seen here.
  const asked = parse(`${page.protocol}//${host}`);
  return asked?.host === page.host && isThisMachine(page.hostname);
}

function isThisMachine(name: string): boolean {
  const bare = name.replace(/^\[|\]$/g, "");
  if (isIP(bare) !== 0 || bare === "localhost" || bare.endsWith(".localhost")) return true;
  const own = hostname().toLowerCase();
  const [short = own] = own.split(".");
  return [own, short, `${short}.local`].includes(bare);
}

function parse(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url && /^https?:$/.test(url.protocol) ? url : undefined;
}
