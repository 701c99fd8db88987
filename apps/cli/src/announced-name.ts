/**
 * A name in the local network (multicast DNS, RFC 6762) that leads to this machine, so that nobody types an address: the
 * coordinator answers for it until it ends.
 */
import { networkInterfaces } from "node:os";
import makeMdns, { type MulticastDNS, type ResponsePacket } from "multicast-dns";
import { UsageError } from "./usage-error.ts";

export interface AnnouncedName {
  /** NAME.local */
  readonly name: string;
  close(): Promise<void>;
}

type Answer = {
  readonly name: string;
  readonly type: "A" | "AAAA";
  readonly ttl: number;
  readonly data: string;
};

/** Of records that hold a host's address: RFC 6762, section 10. */
const TTL_SECONDS = 120;
const PROBES = 3;
const PROBE_MS = 250;

/** `class` or `class.local` → `class.local`. */
export function readAnnouncedName(text: string): string {
  const label = text.toLowerCase().replace(/\.local\.?$/, "");
  if (!/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(label))
    throw new UsageError(
      `--mdns: expected a name of up to 63 letters, digits and hyphens, such as class for class.local, got "${text}"`,
    );
  return `${label}.local`;
}

/**
 * @param addresses asked for at every question: a laptop changes its network
 * @throws in one line when another machine answers for the name, or there is no network
 */
export async function announceName(
  name: string,
  addresses: () => readonly string[] = ownAddresses,
  mdns: MulticastDNS = makeMdns(),
): Promise<AnnouncedName> {
  const answers = (): readonly Answer[] =>
    addresses().map((data) => ({ name, type: data.includes(":") ? "AAAA" : "A", ttl: TTL_SECONDS, data }));
  try {
    await expectUnclaimed(mdns, name, new Set(addresses()));
  } catch (error) {
    await new Promise<void>((closed) => mdns.destroy(closed));
    throw error;
  }
  const respond = (ttl?: number): void =>
    mdns.respond({ answers: answers().map((answer) => ({ ...answer, ttl: ttl ?? answer.ttl })) });
  mdns.on("query", ({ questions = [] }) => {
    if (questions.some((question) => isSame(question.name, name) && isForAddress(question.type))) respond();
  });
  mdns.on("error", () => {}); // a network that went away: the next question finds another
  respond();
  return {
    name,
    async close() {
      respond(0); // goodbye: RFC 6762, section 10.1
      await new Promise<void>((closed) => mdns.destroy(closed));
    },
  };
}

const isSame = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();
const isForAddress = (type: string): boolean => type === "A" || type === "AAAA" || type === "ANY";

/** Asks three times whether somebody has the name: RFC 6762, section 8.1. */
async function expectUnclaimed(mdns: MulticastDNS, name: string, own: ReadonlySet<string>): Promise<void> {
  let stop = (): void => {};
  const claimed = new Promise<never>((_, reject) => {
    const onResponse = ({ answers = [] }: ResponsePacket): void => {
      for (const answer of answers)
        if (
          isSame(answer.name, name) &&
          (answer.type === "A" || answer.type === "AAAA") &&
          !own.has(answer.data)
        )
          reject(
            new Error(`--mdns: ${name} is taken in this network by ${answer.data}; choose another name`),
          );
    };
    const onError = (error: Error): void =>
      reject(
        new Error(`--mdns: no name can be announced in this network (${error.message})`, { cause: error }),
      );
    mdns.on("response", onResponse);
    mdns.on("error", onError);
    stop = () => {
      mdns.off("response", onResponse);
      mdns.off("error", onError);
    };
  });
  try {
    for (let probe = 0; probe < PROBES; probe++) {
      mdns.query([
        { name, type: "A" },
        { name, type: "AAAA" },
      ]);
      await Promise.race([claimed, new Promise((passed) => setTimeout(passed, PROBE_MS))]);
    }
  } finally {
    stop();
    claimed.catch(() => {});
  }
}

function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces())
    .flatMap((found) => found ?? [])
    .filter(({ internal, address }) => !internal && !/^fe80:/i.test(address))
    .map(({ address }) => address);
}
