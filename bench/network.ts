/**
 * A network of this machine's own, in which every part of a cluster has an address, and any two can be cut off from one
 * another without a word: namespaces with veth pairs on a bridge (Linux, as root). What is cut is sent to a hardware
 * address that nobody has, so that it gets lost as on a wire; nothing has to be installed, and nobody is told.
 */
import { execFileSync } from "node:child_process";
import type { Premises } from "../apps/coordinator/src/daemon.fixture.ts";

export interface Network {
  /** Where a part runs: its address, and what its command begins with. */
  readonly of: (part: string) => Premises;
  /** What one of them sends does not reach the other one, in both directions. */
  cut(one: string, other: string): void;
  mend(one: string, other: string): void;
  close(): void;
}

/** The processes of this machine that are in no part: devices, hosts, the balancer. */
export const OUTSIDE = "outside";

/** A range of private addresses that hardly anybody uses, another one for each program that runs. */
const PREFIX = `10.213.${process.pid % 250}.`;
const OUTSIDES = 254;
const NOBODYS = "02:00:00:00:00:00";
/** The system takes no more than 15 letters. */
const NAME = `fdl${process.pid}`;
const BRIDGE = `${NAME}-br`;

const ip = (...args: readonly string[]): string =>
  execFileSync("ip", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

/** @throws in one line where this cannot be done */
export function openNetwork(parts: readonly string[]): Network {
  const undo: (() => void)[] = [];
  const close = (): void => {
    for (const one of undo.splice(0).reverse())
      try {
        one();
      } catch {
        // It is gone already.
      }
  };
  const spaceOf = (part: string): string => `${NAME}-${part}`;
  const addressOf = (part: string): string =>
    part === OUTSIDE ? `${PREFIX}${OUTSIDES}` : `${PREFIX}${parts.indexOf(part) + 1}`;
  try {
    ip("link", "add", BRIDGE, "type", "bridge");
    undo.push(() => ip("link", "del", BRIDGE));
    ip("addr", "add", `${PREFIX}${OUTSIDES}/24`, "dev", BRIDGE);
    ip("link", "set", BRIDGE, "up");
    for (const [k, part] of parts.entries()) {
      const space = spaceOf(part);
      ip("netns", "add", space);
      undo.push(() => ip("netns", "del", space));
      ip("link", "add", `${NAME}-${k}`, "type", "veth", "peer", "name", "eth0", "netns", space);
      undo.push(() => ip("link", "del", `${NAME}-${k}`));
      ip("link", "set", `${NAME}-${k}`, "master", BRIDGE, "up");
      ip("-n", space, "addr", "add", `${addressOf(part)}/24`, "dev", "eth0");
      ip("-n", space, "link", "set", "lo", "up");
      ip("-n", space, "link", "set", "eth0", "up");
    }
  } catch (cause) {
    close();
    const said = `${(cause as { stderr?: string }).stderr ?? (cause as Error).message}`.trim();
    throw new Error(`a network of its own needs Linux, root and the package iproute2: ${said}`, { cause });
  }
  const neighbour = (from: string, to: string, what: "replace" | "del", ...more: readonly string[]): void => {
    const [where, device] = from === OUTSIDE ? [[], BRIDGE] : [["-n", spaceOf(from)], "eth0"];
    ip(...where, "neigh", what, addressOf(to), "dev", device, ...more);
  };
  return {
    of: (part) => ({ host: addressOf(part), inside: ["ip", "netns", "exec", spaceOf(part)] }),
    cut(one, other) {
      neighbour(one, other, "replace", "lladdr", NOBODYS, "nud", "permanent");
      neighbour(other, one, "replace", "lladdr", NOBODYS, "nud", "permanent");
    },
    mend(one, other) {
      neighbour(one, other, "del");
      neighbour(other, one, "del");
    },
    close,
  };
}
