/** What a load balancer is for these benches: one address for several coordinators, of which some listen. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface Balancer {
  readonly url: string;
  close(): void;
}

const CONNECT_MS = 1_000;

/** Where a coordinator listens. */
export interface Listener {
  readonly host: string;
  readonly port: number;
}

/** @param listeners asked one after another until one answers @param inTurn begin with another one each time */
export async function openBalancer(listeners: readonly Listener[], inTurn = false): Promise<Balancer> {
  let first = 0;
  const sockets = new Set<Socket>();
  const server = createServer({ pauseOnConnect: true }, (near) => {
    hold(near);
    const tryNext = ([listener, ...rest]: readonly Listener[]): void => {
      if (listener === undefined) return void near.destroy();
      const far = connect(listener);
      // One that is cut off says nothing.
      const patience = setTimeout(() => far.destroy(new Error("no answer")), CONNECT_MS);
      far.once("error", () => tryNext(rest));
      far.once("close", () => clearTimeout(patience));
      far.once("connect", () => {
        clearTimeout(patience);
        far.removeAllListeners("error");
        hold(far);
        near.on("close", () => far.destroy());
        far.on("close", () => near.destroy());
        near.pipe(far).pipe(near);
        near.resume();
      });
    };
    tryNext([...listeners.slice(first), ...listeners.slice(0, first)]);
    if (inTurn) first = (first + 1) % listeners.length;
  });
  function hold(socket: Socket): void {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
  }
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
