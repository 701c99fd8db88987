/** Whom a limit counts: an IPv4 address, or an IPv6 network of 64 bits, which one subscriber has to itself. */
import { isIPv4, isIPv6 } from "node:net";

export function limitedAddress(remote: string | undefined): string {
  const address = (remote ?? "").replace(/^::ffff:(?=\d+\.)/i, "").split("%")[0] as string;
  if (isIPv4(address)) return address;
  if (!isIPv6(address)) return "unknown";
  if (address === "::1") return address;
  const [head = "", tail] = address.toLowerCase().split("::");
  const groups = head.split(":").filter((group) => group !== "");
  const known = tail === undefined ? groups : [...groups, "0", "0", "0", "0"];
  const network = known.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, ""));
  return `${network.join(":")}::/64`;
}

/** The sender of a request. @param trustProxy believe the address that the nearest proxy has added */
export function senderOf(
  request: { readonly socket: { readonly remoteAddress?: string | undefined }; readonly headers: Headers },
  trustProxy: boolean,
): string {
  const forwarded = trustProxy ? [request.headers["x-forwarded-for"]].flat().join(",") : "";
  // The last entry is the nearest proxy's word; those before it are whatever the client liked to send.
  const nearest = forwarded.split(",").at(-1)?.trim();
  return limitedAddress(nearest || request.socket.remoteAddress);
}

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;
