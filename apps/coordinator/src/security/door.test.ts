import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import { io } from "socket.io-client";
import { describe, expect, it } from "vitest";
import { open, participate, start } from "../app.fixture.ts";

/** "connected", or why not, of a Socket.IO client with these headers. */
async function attempt(
  url: string,
  {
    headers = {},
    namespace = "/",
    transport = "websocket",
    path = "/socket.io/",
  }: {
    headers?: Record<string, string>;
    namespace?: string;
    transport?: "websocket" | "polling";
    path?: string;
  } = {},
): Promise<string> {
  const socket = io(new URL(namespace, url).href, {
    path,
    transports: [transport],
    extraHeaders: headers,
    auth: { key: "key" },
    forceNew: true,
    reconnection: false,
  });
  open.push(() => socket.disconnect());
  return new Promise((resolve) => {
    socket.once("connect", () => resolve("connected"));
    socket.once("connect_error", (error) => resolve(error.message));
  });
}

describe("origins", () => {
  it.each([
    ["/", "websocket"],
    ["/", "polling"],
    ["/host", "websocket"],
    ["/host", "polling"],
  ] as const)("keeps other sites' pages out of %s over %s", async (namespace, transport) => {
    const said: string[] = [];
    const { url } = await start({}, { log: (line) => said.push(line) });
    const ways = { namespace, transport };
    expect(await attempt(url, { ...ways, headers: { origin: "http://evil.example" } })).not.toBe("connected");
    expect(await attempt(url, { ...ways, headers: { origin: "null" } })).not.toBe("connected");
    expect(said[0]).toContain("--allow-origin http://evil.example");
    expect(await attempt(url, { ...ways, headers: { origin: url } })).toBe("connected");
    expect(await attempt(url, ways)).toBe("connected");
  });

  it("lets in whom it is told to, and no programs if told so", async () => {
    const origins = { allowed: ["https://lab.example"], required: true };
    const { url } = await start({}, { origins });
    expect(await attempt(url, { headers: { origin: "https://lab.example" } })).toBe("connected");
    expect(await attempt(url)).not.toBe("connected");
  });
});

describe("headers", () => {
  it("guard every response, refusals and Socket.IO's included", async () => {
    const { url } = await start();
    for (const path of [
      "/healthz",
      "/nowhere",
      "/socket.io/?EIO=4&transport=polling",
      "/socket.io/?x",
      "/%",
    ]) {
      const { headers } = await fetch(url + path);
      const policy = headers.get("content-security-policy") ?? "";
      expect(policy, path).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain("'unsafe-");
      expect(Object.fromEntries(headers)).toMatchObject({
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-embedder-policy": "require-corp",
        "cross-origin-resource-policy": "same-origin",
      });
      expect(headers.has("access-control-allow-origin")).toBe(false);
      expect(headers.has("x-powered-by")).toBe(false);
    }
  });
});

describe("a base path", () => {
  it("may be passed on by the proxy or taken off", async () => {
    const { url } = await start({}, { basePath: "/lab/a/" });
    for (const path of ["/healthz", "/lab/a/healthz"])
      expect((await fetch(url + path)).status, path).toBe(200);
    expect((await fetch(`${url}/lab/b/healthz`)).status).toBe(404);
    const folder = await fetch(`${url}/lab/a`, { redirect: "manual" });
    expect([folder.status, folder.headers.get("location")]).toEqual([308, "/lab/a/"]);
    for (const path of ["/socket.io/", "/lab/a/socket.io/"])
      for (const transport of ["websocket", "polling"] as const)
        expect(await attempt(url, { path, transport }), `${transport} ${path}`).toBe("connected");
  });
});

describe("limits", () => {
  it("let a class-room in behind one address", async () => {
    const { url } = await start({ maxParticipants: 64 });
    const class_ = await Promise.all(Array.from({ length: 60 }, (_, i) => participate(url, `pupil ${i}`)));
    expect(new Set(class_.map(({ identity }) => identity.participantId)).size).toBe(60);
  });

  it("bound the connections of one address, which may come back once some are closed", async () => {
    const { url } = await start({}, { limits: { socketsPerAddress: 3 } });
    const first = await participate(url, "ada");
    await participate(url, "ben");
    await participate(url, "eve");
    expect(await attempt(url)).not.toBe("connected");
    first.socket.disconnect();
    await expect.poll(() => attempt(url)).toBe("connected");
  });

  it("bound how often one address connects, and newcomers", async () => {
    const { url } = await start({}, { limits: { newSocketsPerAddressAndMinute: 2 } });
    expect([await attempt(url), await attempt(url), (await attempt(url)) === "connected"]).toEqual([
      "connected",
      "connected",
      false,
    ]);
    const joins = await start({}, { limits: { newcomersPerAddressAndMinute: 1 } });
    const { identity, socket } = await participate(joins.url, "ada");
    await expect(participate(joins.url, "ben")).rejects.toThrow();
    // Who is known comes back whatever strangers do.
    socket.disconnect();
    expect((await participate(joins.url, "ada", { token: identity.token })).identity.participantId).toBe(
      "p1",
    );
  });

  it("close a connection that does not join, or sends without end", async () => {
    const { url } = await start({}, { limits: { secondsToJoin: 0.2, packetsPerSecond: 1, packetBurst: 20 } });
    const silent = io(url, { transports: ["websocket"], forceNew: true, reconnection: false });
    open.push(() => silent.disconnect());
    const reason = await new Promise((resolve) => silent.once("disconnect", resolve));
    expect(reason).toBe("io server disconnect");

    const { socket } = await participate(url, "flood");
    const closed = new Promise((resolve) => socket.once("disconnect", resolve));
    for (let step = 0; step < 200; step++)
      socket.emit("progress", { round: 1, step, loss: 1, tokensPerSecond: 1 });
    expect(await closed).toMatch(/transport/);
  });

  it("close a connection that sends more text than any message needs", async () => {
    const { url } = await start();
    const { socket } = await participate(url, "long");
    const closed = new Promise((resolve) => socket.once("disconnect", resolve));
    socket.emit("progress", {
      round: 1,
      step: 1,
      loss: 1,
      tokensPerSecond: 1,
      more: "x".repeat(300_000),
    } as never);
    await closed;
  });

  it("bound TCP connections", async () => {
    const { url } = await start({}, { limits: { connectionsPerAddress: 2 } });
    const port = Number(new URL(url).port);
    const sockets = Array.from({ length: 5 }, () => connect(port, "127.0.0.1"));
    open.push(() => sockets.map((socket) => socket.destroy()));
    for (const socket of sockets) socket.on("error", () => {});
    await Promise.all(sockets.slice(2).map((socket) => once(socket, "close")));
    expect(sockets.slice(0, 2).some(({ destroyed }) => destroyed)).toBe(false);
  });
});

it("does not wait for ever for a request that comes a byte at a time", async () => {
  const { url } = await start();
  const port = Number(new URL(url).port);
  const slow = connect(port, "127.0.0.1", () => slow.write("GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: "));
  slow.on("error", () => {});
  const drip = setInterval(() => slow.write("x"), 500);
  const silent = connect(port, "127.0.0.1");
  silent.on("error", () => {});
  slow.resume();
  silent.resume();
  const startedMs = performance.now();
  await Promise.all([once(slow, "close"), once(silent, "close")]);
  clearInterval(drip);
  expect(performance.now() - startedMs).toBeLessThan(20_000);
  await new Promise((resolve) => request(`${url}/healthz`, resolve).end());
}, 25_000);
