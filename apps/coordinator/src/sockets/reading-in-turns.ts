/**
 * What has come over many connections is ready at once, megabytes of each, and would all be read in one turn of the event
 * loop. Here a turn that has lasted long enough reads no further, from nobody; then those who wait go on one after another,
 * as many in each turn as fit.
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
  /** Those that are not read from now, who has waited longest first. */
  const waiting = new Set<Connection>();
  let goesOn = false;

  function wait(connection: Connection): void {
    if (waiting.has(connection)) return;
    waiting.add(connection);
    connection.pause();
  }

  function hasRead(connection: Connection): void {
    if (isLong()) for (const each of connections) wait(each);
    // Whoever was read from lets the others have their turn.
    else if (goesOn) wait(connection);
    if (!goesOn && waiting.size > 0) setImmediate(goOn);
    goesOn = waiting.size > 0;
  }

  /** What is done about a message is done between two callbacks: each connection gets one. */
  function goOn(): void {
    for (const connection of waiting)
      setImmediate(() => {
        if (!isLong() && waiting.delete(connection)) connection.resume();
      });
    setImmediate(() => {
      goesOn = waiting.size > 0;
      if (goesOn) goOn();
    });
  }

  function watch({ socket }: EngineConnection["transport"]): void {
    if (socket === undefined) return;
    connections.add(socket);
    socket.on("message", () => hasRead(socket));
    socket.on("close", () => {
      connections.delete(socket);
      waiting.delete(socket);
    });
  }

  engine.on("connection", (connection) => {
    watch(connection.transport);
    connection.on("upgrade", watch);
  });
}
