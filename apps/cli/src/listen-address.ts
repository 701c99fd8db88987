/** Where the coordinator listens, and by which addresses people reach it. */
import { isIP, isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";
import { UsageError } from "./usage-error.ts";

/** What `--host` may be: an IP address of this machine, a wildcard (`0.0.0.0`, `::`), or `localhost`. */
export function readHost(text: string): string {
  // An address as it stands in a URL is what people paste.
  const bare = /^\[(.+)\]$/.exec(text)?.[1] ?? text;
  if (bare !== "localhost" && isIP(bare) === 0)
    throw new UsageError(
      `--host: expected an IP address of this machine, 0.0.0.0 or :: for all of them, or localhost, got "${text}"`,
    );
  return bare;
}

/** `--base-path lab` → `/lab/`; absent → `/`. */
export function readBasePath(text: string | undefined): string {
  const parts = (text ?? "").split("/").filter((part) => part !== "");
  const wrong = parts.find((part) => part === "." || part === ".." || !/^[\w.~-]+$/.test(part));
  if (wrong !== undefined)
    throw new UsageError(
      `--base-path: expected a path such as /lab, of letters, digits and . _ ~ -, got "${text}"`,
    );
  return parts.length === 0 ? "/" : `/${parts.join("/")}/`;
}

/** `--public-url https://lab.example/run` → with a slash at its end; absent → null. */
export function readPublicUrl(text: string | undefined): string | null {
  if (text === undefined) return null;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== "" || url.hash !== "")
    throw new UsageError(`--public-url: expected an address such as https://lab.example/, got "${text}"`);
  return url.href.replace(/\/?$/, "/");
}

/** A literal as a URL's host. */
export const inUrl = (address: string): string => (isIPv6(address) ? `[${address}]` : address);

type Interfaces = ReturnType<typeof networkInterfaces>;

/** The address that other devices use for a coordinator listening to `host`: `localhost` when they cannot. */
export function reachableAddress(host: string, interfaces: Interfaces = networkInterfaces()): string {
  const own = Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    // Link-local IPv6 needs a zone, which browsers do not take.
    .filter(({ internal, address }) => !internal && !/^fe80:/i.test(address));
  const first = (family: "IPv4" | "IPv6") => own.find((candidate) => candidate.family === family)?.address;
  if (host === "0.0.0.0") return first("IPv4") ?? "localhost";
  if (host === "::") return first("IPv4") ?? first("IPv6") ?? "localhost";
  return isLoopback(host) ? localName(host) : host;
}

/** The name by which this machine reaches itself: browsers allow WebGPU only there or over https. */
export function localName(host: string): string {
  if (host === "::1") return "::1"; // `localhost` may be 127.0.0.1, where nobody listens
  return host === "0.0.0.0" || host === "::" || isLoopback(host) ? "localhost" : host;
}

const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || host.startsWith("127.");
