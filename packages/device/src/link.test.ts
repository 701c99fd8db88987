/** The device's side of the wire against a real Socket.IO server, which plays the coordinator line by line. */
import type { Join } from "@fedlodrop/protocol";
import { describe, expect, it } from "vitest";
import { connect, joined, listen, type ServerSocket } from "./coordinator.fixture.ts";
import { RefusedError } from "./link.ts";

const never = new AbortController().signal;

describe("link", () => {
  it("joins again by its token, and names the round it still works on", async () => {
    const joins: Join[] = [];
    const url = await listen((socket) => {
      socket.on("join", (message, reply) => {
        joins.push(message);
        reply(joined);
        if (joins.length === 1) setTimeout(() => socket.conn.close(), 10);
      });
    });
    await new Promise<void>((resolve) => {
      let times = 0;
      connect(url, {
        openRound: () => (times === 0 ? undefined : 7),
        joined: () => (++times === 2 ? resolve() : null),
      });
    });
    expect(joins.map(({ token, resumesRound }) => [token, resumesRound])).toEqual([
      [undefined, undefined],
      ["secret", 7],
    ]);
  });

  it("joins anew when told to, without the round it has given up", async () => {
    const joins: Join[] = [];
    const url = await listen((socket) => {
      socket.on("join", (message, reply) => {
        joins.push(message);
        reply(joined);
      });
    });
    let round: number | undefined = 4;
    const link = connect(url, { openRound: () => round });
    await expect.poll(() => joins.length).toBe(1);
    round = undefined;
    link.rejoin();
    await expect.poll(() => joins.length).toBe(2);
    expect(joins[1]).toEqual({ protocolVersion: expect.any(Number), nickname: "n", token: "secret" });
  });

  it("comes back by its token after a cut, with the round it still works on and what was being sent", async () => {
    const joins: Join[] = [];
    const url = await listen((socket) => {
      socket.on("join", (message, reply) => {
        joins.push(message);
        reply(joined);
      });
      // Not over the first connection, which is cut before it has an answer.
      socket.on("ping", (reply) => joins.length === 2 && reply({ kind: "accepted" }));
    });
    const link = connect(url, { openRound: () => 3 });
    await expect.poll(() => joins.length).toBe(1);
    const sent = link.persist(never, (socket) => socket.emitWithAck("ping"));
    link.cut(0.05);
    await sent;
    expect(joins.map(({ token, resumesRound }) => [token, resumesRound])).toEqual([
      [undefined, 3],
      ["secret", 3],
    ]);
  });

  it("sends nothing before it has joined", async () => {
    const heard: string[] = [];
    const url = await listen((socket) => {
      socket.onAny((event: string) => heard.push(event));
      socket.on("join", (_message, reply) => setTimeout(() => reply(joined), 50));
      socket.on("ping", (reply) => reply({ kind: "accepted" }));
    });
    await connect(url).persist(never, (socket) => socket.emitWithAck("ping"));
    expect(heard).toEqual(["join", "ping"]);
  });

  it("asks again on a new connection when one is lost, and when one is dead without knowing it", async () => {
    let connections = 0;
    const url = await listen((socket) => {
      const mine = ++connections;
      socket.on("join", (_message, reply) => reply(joined));
      socket.on("ping", (reply) => {
        if (mine === 1) socket.conn.close();
        if (mine === 3) reply({ kind: "accepted" }); // the second says nothing
      });
    });
    await connect(url).persist(never, (socket) => socket.emitWithAck("ping"));
    expect(connections).toBe(3);
  });

  it("takes a refusal for an answer", async () => {
    const url = await listen((socket) => {
      socket.on("join", (_message, reply) => reply(joined));
    });
    const refusal = new RefusedError({ kind: "refused", reason: "stale-round", message: "too old" });
    let attempts = 0;
    const asked = connect(url).persist(never, async () => {
      attempts++;
      throw refusal;
    });
    await expect(asked).rejects.toBe(refusal);
    expect(attempts).toBe(1);
  });

  it("waits and asks again when it is told to slow down", async () => {
    const url = await listen((socket) => {
      socket.on("join", (_message, reply) => reply(joined));
    });
    const refusal = new RefusedError({ kind: "refused", reason: "rate-limited", message: "slow down" });
    let attempts = 0;
    const began = performance.now();
    const answer = await connect(url).persist(never, async () => {
      attempts++;
      if (attempts === 1) throw refusal;
      return "there";
    });
    expect([answer, attempts]).toEqual(["there", 2]);
    expect(performance.now() - began).toBeGreaterThan(900);
  });

  it("tells an exchange at once that its connection is lost", async () => {
    const sockets: ServerSocket[] = [];
    const url = await listen((socket) => {
      sockets.push(socket);
      socket.on("join", (_message, reply) => reply(joined));
    });
    const ends: unknown[] = [];
    const answer = await connect(url).persist(never, async (_socket, connection) => {
      if (ends.length === 1) return "there";
      connection.addEventListener("abort", () => ends.push(connection.reason));
      sockets[0]?.conn.close();
      return new Promise<string>(() => {});
    });
    expect([answer, ends.length, sockets.length]).toEqual(["there", 1, 2]);
  });

  it("passes on a refusal to join, and stays away", async () => {
    let joins = 0;
    const url = await listen((socket) => {
      socket.on("join", (_message, reply) => {
        joins++;
        reply({ kind: "refused", reason: "run-locked", message: "locked" });
      });
    });
    const refused = await new Promise((resolve) => connect(url, { refused: resolve }));
    expect(refused).toMatchObject({ reason: "run-locked" });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(joins).toBe(1);
  });

  it("gives up when told to", async () => {
    const url = await listen(() => {});
    const abort = new AbortController();
    const waiting = connect(url).persist(abort.signal, async () => "never");
    abort.abort(new Error("the deadline passed"));
    await expect(waiting).rejects.toThrow("the deadline passed");
  });
});
