/**
 * What has come over many connections is ready at once, megabytes of each, and would all be read in one turn of the event
 * loop. Here a turn that has lasted long enough reads no further, from nobody, and the next one goes on.
 */
import type { Turns } from "../turns.ts";

/** The WebSocket of `ws`, as far as it is needed here. */
interface Connection {
  on(event: "message" | "close", listener: () => void): unknown;
  /** Both keep to what the connection's own buffers ask for. */
  pause(): void;
  resume(): void;
}

/** Engine.IO's. A connection that polls has no WebSocket; its requests wait for turns of their own. */
interface EngineConnection {
  readonly transport: { readonly socket?: Connection };
  on(event: "upgrade", listener: (transport: EngineConnection["transport"]) => void): unknown;
}

export function readInTurns(
  engine: { on(event: "connection", listener: (connection: EngineConnection) => void): unknown },
  { isLong }: Pick<Turns, "isLong">,
): void {
  const connections = new Set<Connection>();
  let rests = false;

  function rest(): void {
    if (rests || !isLong()) return;
    rests = true;
    for (const connection of connections) connection.pause();
    setImmediate(() => {
      rests = false;
      for (const connection of connections) connection.resume();
    });
  }

  function watch({ socket }: EngineConnection["transport"]): void {
    if (socket === undefined) return;
    connections.add(socket);
    socket.on("message", rest);
    socket.on("close", () => connections.delete(socket));
  }

  engine.on("connection", (connection) => {
    watch(connection.transport);
    connection.on("upgrade", watch);
  });
}
