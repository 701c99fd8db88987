/** The gateways of a run, as its owner knows them: each at the end of a line, there as long as it says so. */
import { LINE_VERSION } from "./calls.ts";
import { type Line, openLine } from "./line.ts";
import type { Mail } from "./redis.ts";
import { createSilence, type Silence } from "./silence.ts";

export interface Gateways {
  ask(gateway: string, question: unknown): Promise<unknown>;
  /** Nothing for one that is gone. */
  tell(gateway: string, message: unknown): void;
  tellAll(message: unknown): void;
  /** Has every gateway begin anew. */
  endAll(why: string): void;
  close(): void;
}

export interface GatewaysOptions {
  readonly mail: Pick<Mail, "send" | "read" | "announce">;
  /** Of the lease that the owner holds. */
  readonly fence: number;
  /** The oldest version of the line that is taken. */
  oldest(): number;
  /** @param version of the line that the gateway speaks: one that is taken */
  asked(gateway: string, question: unknown, version: number): Promise<unknown>;
  told(gateway: string, message: unknown): void;
  /** It is not there any more, nor are its connections. */
  gone(gateway: string, why: string): void;
  /** It was not taken, of which it is told the same line. */
  refused(why: string): void;
}

/** How often each end says that it is there, and after how long a silence it is given up. */
export const BEAT_MS = 1_000;
export const SILENCE_MS = 6_000;
/** How long Redis may be silent until a gateway sends its devices on: they are back before the owner misses them. */
export const CUT_OFF_MS = 2_000;
const NOTHING = new Uint8Array(0);

export const ownerName = (fence: number): string => `owner-${fence}`;
export const gatewayName = (id: string): string => `gateway-${id}`;

function versionProblem(version: number, oldest: number): string | null {
  if (version >= oldest && version <= LINE_VERSION) return null;
  const remedy = version > LINE_VERSION ? "start the owners' new program first" : "start the owner's program";
  const taken = oldest === LINE_VERSION ? `version ${oldest}` : `versions ${oldest} to ${LINE_VERSION}`;
  return `the owner takes gateways of ${taken} for this run, this one is of ${version}: ${remedy}`;
}

interface Gateway {
  readonly line: Line;
  readonly silence: Silence;
}

export function openGateways(options: GatewaysOptions): Gateways {
  const { mail, fence, oldest, asked, told, gone, refused } = options;
  const gateways = new Map<string, Gateway>();
  const stamp = { fence: `${fence}` };

  function meet(id: string, version: number): Gateway {
    const line = openLine({
      send: (frame) => mail.send(gatewayName(id), stamp, frame),
      asked: (question) => asked(id, question, version),
      told: (message) => told(id, message),
      broken(why) {
        gateways.delete(id);
        mail.send(gatewayName(id), { ...stamp, over: why }, NOTHING);
        gone(id, why);
      },
    });
    const gateway = { line, silence: createSilence() };
    gateways.set(id, gateway);
    return gateway;
  }

  const reading = mail.read(ownerName(fence), {
    received({ fields: { from = "", over, version = "1" }, frame }) {
      const problem = versionProblem(Number(version), oldest());
      if (problem !== null) {
        if (over === undefined) mail.send(gatewayName(from), { ...stamp, over: problem }, NOTHING);
        return refused(problem);
      }
      const gateway = gateways.get(from) ?? meet(from, Number(version));
      gateway.silence.heard();
      if (over === undefined) gateway.line.receive(frame);
      else gateway.line.end(over);
    },
    caughtUp() {
      for (const { line, silence } of [...gateways.values()])
        if (silence.listened() > SILENCE_MS) line.end(`nothing was heard for ${SILENCE_MS / 1000} s`);
    },
    away() {
      for (const { silence } of gateways.values()) silence.heard();
    },
  });
  mail.announce(fence);
  const beating = setInterval(() => {
    mail.announce(fence);
    for (const { line } of gateways.values()) line.beat();
  }, BEAT_MS);

  return {
    ask: (gateway, question) =>
      gateways.get(gateway)?.line.ask(question) ?? Promise.reject(new Error(`gateway ${gateway} is gone`)),
    tell: (gateway, message) => gateways.get(gateway)?.line.tell(message),
    tellAll(message) {
      for (const { line } of gateways.values()) line.tell(message);
    },
    endAll(why) {
      for (const { line } of [...gateways.values()]) line.end(why);
    },
    close() {
      clearInterval(beating);
      reading.close();
    },
  };
}
