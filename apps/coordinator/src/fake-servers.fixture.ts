/** Servers that say which version they are and little else, on loopback: an old Redis and an old PostgreSQL. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";

export interface FakeServer {
  readonly port: number;
  /** From now on it takes whatever comes and says nothing, as over a network that is cut. */
  mute(): void;
  close(): void;
}

async function openFake(answer: (bytes: Buffer, isFirst: boolean) => Buffer | string): Promise<FakeServer> {
  let isMute = false;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    let isFirst = true;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      if (!isMute) socket.write(answer(bytes, isFirst));
      isFirst = false;
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    port: (server.address() as AddressInfo).port,
    mute() {
      isMute = true;
    },
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** Commands come as arrays of bulk strings, several at a time: `*1\r\n$4\r\nping\r\n`. */
export const openFakeRedis = (version: string): Promise<FakeServer> =>
  openFake((bytes) =>
    [...`${bytes}`.matchAll(/\*\d+\r\n\$\d+\r\n(\w+)/g)]
      .map(([, command]) => {
        if (command?.toLowerCase() !== "info") return "+OK\r\n";
        const text = `redis_version:${version}\r\n`;
        return `$${text.length}\r\n${text}\r\n`;
      })
      .join(""),
  );

/** Lets everybody in; one row for whoever asks for its version, none for any other query. */
export const openFakePostgres = (versionNumber: string): Promise<FakeServer> =>
  openFake((bytes, isFirst) => {
    const ready = message("Z", Buffer.from("I"));
    if (isFirst) return Buffer.concat([message("R", Buffer.alloc(4)), ready]);
    if (bytes.toString("latin1", 0, 1) !== "Q") return "";
    const done = Buffer.concat([message("C", Buffer.from("SELECT 1\0")), ready]);
    if (!bytes.includes("server_version_num")) return done;
    const field = Buffer.concat([Buffer.from("version\0"), Buffer.alloc(18)]);
    const one = Buffer.from([0, 1]);
    const value = Buffer.from(versionNumber);
    const length = Buffer.from([0, 0, 0, value.length]);
    return Buffer.concat([
      message("T", Buffer.concat([one, field])),
      message("D", Buffer.concat([one, length, value])),
      done,
    ]);
  });

/** A letter, the length of the rest, and the rest. */
function message(kind: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(kind);
  head.writeUInt32BE(4 + body.length, 1);
  return Buffer.concat([head, body]);
}
