/** What a load balancer is for these benches: one address for several coordinators, of which some listen. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface Balancer {
  readonly url: string;
  close(): void;
}

/** @param ports asked one after another until one answers @param inTurn begin with another one each time */
export async function openBalancer(ports: readonly number[], inTurn = false): Promise<Balancer> {
  let first = 0;
  const sockets = new Set<Socket>();
  const server = createServer({ pauseOnConnect: true }, (near) => {
    hold(near);
    const tryNext = ([port, ...rest]: readonly number[]): void => {
      if (port === undefined) return void near.destroy();
      const far = connect(port, "127.0.0.1");
      far.once("error", () => tryNext(rest));
      far.once("connect", () => {
        far.removeAllListeners("error");
        hold(far);
        near.on("close", () => far.destroy());
        far.on("close", () => near.destroy());
        near.pipe(far).pipe(near);
        near.resume();
      });
    };
    tryNext([...ports.slice(first), ...ports.slice(0, first)]);
    if (inTurn) first = (first + 1) % ports.length;
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
