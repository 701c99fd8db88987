/**
 * A participant's link: a TCP relay between its tab and the coordinator that can be cut and restored, and that can be as
 * slow, as far away and as unreliable as real ones. Chromium's own switches leave open WebSockets alone, so all of this
 * has to happen on the way. TCP hides lost packets: what is left of them for whoever uses it is a pause.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { type LinkConditions, openLane } from "./lane.ts";

export interface Link {
  /** The coordinator as seen through this link. */
  readonly url: string;
  /** Closes every connection and refuses new ones until `restore`. */
  cut(): void;
  /** Cuts the link when the coordinator sends this, before it gets through; resolves then. */
  cutAt(text: string): Promise<void>;
  restore(): void;
  /** What the link is like from now on, in either direction. */
  shape(conditions: LinkConditions): void;
  close(): void;
}

/** @param url the coordinator's, plain http (a relay cannot stand in for a TLS host). */
export async function openLink(url: string): Promise<Link> {
  const target = new URL(url);
  if (target.protocol !== "http:") throw new Error(`link: expected an http URL, got ${url}`);
  const sockets = new Set<Socket>();
  let whole = true;
  let watch: { readonly text: string; readonly seen: () => void } | null = null;
  /** All connections share the link, each direction for itself. */
  const [up, down] = [openLane(), openLane()];

  const relay = createServer((near) => {
    if (!whole) {
      near.destroy();
      return;
    }
    const far = connect(Number(target.port || 80), target.hostname);
    let before = "";
    // Ahead of the lane, which would pass it on.
    far.on("data", (data: Buffer) => {
      if (watch === null) return;
      const { text, seen } = watch;
      const heard = before + data.toString("latin1");
      before = heard.slice(-text.length);
      if (!heard.includes(text)) return;
      watch = null;
      cut();
      seen();
    });
    for (const [socket, other, lane] of [
      [near, far, up],
      [far, near, down],
    ] as const) {
      sockets.add(socket);
      socket.setNoDelay(true);
      lane.carry(socket, other);
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  relay.listen(0, "127.0.0.1");
  await once(relay, "listening");

  const cutAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  function cut(): void {
    whole = false;
    cutAll();
  }
  return {
    url: `http://localhost:${(relay.address() as AddressInfo).port}${target.pathname}${target.search}`,
    cut,
    cutAt: (text) =>
      new Promise((resolve) => {
        watch = { text, seen: resolve };
      }),
    restore() {
      whole = true;
    },
    shape(conditions) {
      up.shape(conditions);
      down.shape(conditions);
    },
    close() {
      relay.close();
      cutAll();
    },
  };
}
