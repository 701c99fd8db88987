/**
 * Frames between processes through Redis streams. A stream has one reader, the process that it is named after, so that it
 * needs no consumer group: whoever takes a run over reads a stream of its own, and what was said to its predecessor is said
 * again by those who wait for an answer.
 */
import type { Redis } from "ioredis";

export interface Mail {
  /** Host and port: what may be shown of its address. */
  readonly name: string;
  /** In the order of the calls. Waits for a server that is away. */
  send(to: string, fields: Readonly<Record<string, string>>, frame: Uint8Array): void;
  /** Hands over what comes for `name`, the oldest first. */
  read(name: string, reader: Reader): Reading;
  /** Says who has the run; the largest number counts. */
  announce(fence: number): void;
  /** The largest that was announced of late; null when none was. */
  newestFence(): Promise<number | null>;
  /** For how long the server has answered nothing; 0 while it does. A stall of this process is no silence. */
  silentMs(): number;
  /** What waits for the server is not sent any more. */
  forget(): void;
  close(): Promise<void>;
}

interface Letter {
  readonly fields: Readonly<Record<string, string>>;
  readonly frame: Uint8Array;
}

interface Reader {
  received(letter: Letter): void;
  /** Everything that had been sent to this name has been handed over: called once a second at least. */
  caughtUp(): void;
  /** The server is away: who is silent cannot be heard. */
  away(): void;
}

export interface Reading {
  close(): void;
}

/** Below it there are no streams. */
const OLDEST_SERVER = 5;
const CONNECT_MS = 5_000;
const READ_MS = 1_000;
/** Frames a read takes at most. */
const AT_ONCE = 64;
/** How long what nobody reads any more stays. */
const UNREAD_MS = 10 * 60_000;
const RETRY_MS = 200;
/** How long an announcement holds that is not repeated. */
const ANNOUNCED_MS = 10_000;
/** How often the server is asked whether it is there, and how long a connection for that alone may take to say so. */
const LOOK_MS = 250;
const PULSE_MS = 1_000;

/** @throws in one line when the address is none, nobody answers there, or the server is too old */
export async function openMail(address: string, place: string): Promise<Mail> {
  const name = nameOf(address);
  const prefix = `fedlodrop:${place}:`;
  // Only whoever speaks to a Redis loads what it takes.
  const { Redis } = await import("ioredis");
  const options = {
    lazyConnect: true,
    connectTimeout: CONNECT_MS,
    // Over a network that has gone silent nothing ever fails by itself.
    socketTimeout: CONNECT_MS,
    // What waits for the server is sent when it is back, in its order; a frame that was sent twice is taken once.
    maxRetriesPerRequest: null,
    retryStrategy: () => RETRY_MS,
  } as const;
  const openWriter = (): Redis => new Redis(address, options).on("error", () => {}); // it tries again
  let writer = openWriter();
  const readers = new Set<Redis>();
  try {
    await connectOnce(writer);
    const version = /redis_version:(\d+)/.exec(await writer.info("server"))?.[1];
    if (!(Number(version) >= OLDEST_SERVER))
      throw new Error(`expected Redis ${OLDEST_SERVER} or newer, got ${version ?? "something else"}`);
  } catch (cause) {
    writer.disconnect();
    throw new Error(`Redis ${name}: ${faultOf(cause)}`, { cause });
  }

  const pulse = takePulse(
    new Redis(address, { ...options, connectTimeout: PULSE_MS, socketTimeout: PULSE_MS }),
  );

  return {
    name,
    silentMs: pulse.silentMs,
    send(to, fields, frame) {
      const key = prefix + to;
      const texts = Object.entries(fields).flat();
      const sent = writer
        .pipeline()
        .xadd(key, "*", ...texts, "frame", Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength))
        .pexpire(key, UNREAD_MS)
        .exec();
      sent.catch(() => {}); // closed
    },
    read(own, { received, caughtUp, away }) {
      const key = prefix + own;
      const reader = new Redis(address, {
        ...options,
        autoResendUnfulfilledCommands: false,
        commandTimeout: CONNECT_MS,
      });
      readers.add(reader);
      let closed = false;
      reader.on("error", () => {});
      void (async () => {
        let last = "0";
        while (!closed) {
          try {
            const entries = await readAfter(reader, key, last);
            for (const [id, fields] of entries) {
              last = id.toString();
              if (!closed) received(letterOf(fields));
            }
            if (!closed && entries.length < AT_ONCE) caughtUp();
            if (entries.length > 0) writer.xdel(key, ...entries.map(([id]) => id)).catch(() => {});
          } catch {
            if (!closed) away();
            await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
          }
        }
      })();
      return {
        close() {
          closed = true;
          readers.delete(reader);
          reader.disconnect();
        },
      };
    },
    announce(fence) {
      writer
        .pipeline()
        .zadd(`${prefix}owners`, fence, `${fence}`)
        .set(`${prefix}owner-is-there-${fence}`, "", "PX", ANNOUNCED_MS)
        .exec()
        .catch(() => {});
    },
    async newestFence() {
      for (const fence of await writer.zrevrange(`${prefix}owners`, 0, -1)) {
        if ((await writer.exists(`${prefix}owner-is-there-${fence}`)) === 1) return Number(fence);
        // It would hide an owner whose database counts anew; one that only slept announces itself again.
        await writer.zrem(`${prefix}owners`, fence);
      }
      return null;
    },
    forget() {
      const before = writer;
      writer = openWriter();
      before.disconnect();
    },
    async close() {
      pulse.close();
      for (const reader of readers) reader.disconnect();
      await Promise.race([
        writer.quit().catch(() => {}),
        new Promise((resolve) => setTimeout(resolve, READ_MS)),
      ]);
      writer.disconnect();
    },
  };
}

/** @param redis nobody else speaks over it: an answer would wait behind whatever is long */
function takePulse(redis: Redis): Pick<Mail, "silentMs"> & { close(): void } {
  /** Looks since the question that is not answered yet. */
  let looks = 0;
  let asking = false;
  redis.on("error", () => {}); // it tries again
  const looking = setInterval(() => {
    if (asking) {
      looks += 1;
      return;
    }
    asking = true;
    redis.ping().then(
      () => {
        asking = false;
        looks = 0;
      },
      () => {
        asking = false; // no answer either
      },
    );
  }, LOOK_MS);
  return {
    silentMs: () => looks * LOOK_MS,
    close() {
      clearInterval(looking);
      redis.disconnect();
    },
  };
}

type Entry = readonly [id: Buffer, fields: readonly Buffer[]];

async function readAfter(reader: Redis, key: string, last: string): Promise<readonly Entry[]> {
  const found = await reader.xreadBuffer("COUNT", AT_ONCE, "BLOCK", READ_MS, "STREAMS", key, last);
  return ((found as readonly [Buffer, readonly Entry[]][] | null)?.[0]?.[1] ?? []) as readonly Entry[];
}

function letterOf(fields: readonly Buffer[]): Letter {
  const texts: Record<string, string> = {};
  let frame: Uint8Array = new Uint8Array(0);
  for (let i = 0; i < fields.length; i += 2) {
    const [key, value] = [String(fields[i]), fields[i + 1] as Buffer];
    if (key === "frame") frame = value;
    else texts[key] = value.toString();
  }
  return { fields: texts, frame };
}

/** The client tries for ever; here the first failure is an answer. */
async function connectOnce(redis: Redis): Promise<void> {
  const failed = new Promise<never>((_, reject) => {
    redis.once("error", reject);
  });
  await Promise.race([redis.connect(), failed]);
}

function nameOf(address: string): string {
  if (!URL.canParse(address) || !/^rediss?:$/.test(new URL(address).protocol))
    throw new Error("expected a Redis address as redis://HOST:PORT, got something else");
  const { hostname, port } = new URL(address);
  return `${hostname || "localhost"}:${port || 6379}`;
}

function faultOf(error: unknown): string {
  const { code, message } = error as { code?: string; message: string };
  if (code === "ECONNREFUSED") return "nobody listens there (ECONNREFUSED)";
  if (code === "ENOTFOUND") return "there is no such host (ENOTFOUND)";
  return message;
}
