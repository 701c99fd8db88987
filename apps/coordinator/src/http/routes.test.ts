import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { config, open, participate, shape, start } from "../app.fixture.ts";

describe("over HTTP", () => {
  it("describes the run and its health", async () => {
    const { coordinator } = await start();
    const headers = { authorization: "Bearer key" };
    const get = async (url: string) => coordinator.http.inject({ url, headers });
    expect((await get("/healthz")).json()).toMatchObject({ status: "ok", phase: "lobby", round: 0 });
    expect((await get("/api/run")).json()).toMatchObject({
      config,
      task: { name: "target" },
      adapter: shape,
    });
    expect((await get("/api/report")).json()).toMatchObject({ seed: "0", rounds: [] });
    const adapter = await get("/api/adapter");
    expect(adapter.headers["x-fedlodrop-round"]).toBe("0");
    expect(new Float32Array(Uint8Array.from(adapter.rawPayload).buffer)).toEqual(coordinator.adapter);
    expect((await get("/nowhere")).statusCode).toBe(404);
  });

  it("tells strangers nothing of a run, and whoever takes part what it needs", async () => {
    const { coordinator, url } = await start();
    const status = async (path: string, authorization?: string) =>
      (await coordinator.http.inject({ url: path, headers: authorization ? { authorization } : {} }))
        .statusCode;
    const { identity } = await participate(url, "ada");
    for (const path of [
      "/api/run",
      "/api/report",
      "/api/adapter",
      "/api/adapter.safetensors",
      "/api/adapter-peft.zip",
    ]) {
      for (const stranger of [undefined, "Bearer x", "Basic a2V5", "key", `Bearer ${identity.token}x`])
        expect(await status(path, stranger), `${path} ${stranger}`).toBe(401);
      expect(await status(path, `Bearer ${identity.token}`), path).toBe(200);
      expect(await status(path, "Bearer key"), path).toBe(200);
    }
    expect((await coordinator.http.inject({ url: "/healthz" })).body).not.toContain("seed");
    // Before joining one may know what is done with what one sends, and no more of the run.
    const { aggregation, differentialPrivacy, examplePrivacy, secureAggregation } = config;
    const promises = { aggregation, differentialPrivacy, examplePrivacy, secureAggregation };
    expect((await coordinator.http.inject({ url: "/api/promises" })).json()).toEqual(promises);
    expect(await status("/api/split", "Bearer key")).toBe(403);
    await coordinator.command({ kind: "kick", participantId: "p1" });
    expect(await status("/api/adapter", `Bearer ${identity.token}`)).toBe(401);
  });

  it("lists runs for a host alone, and for a browser that asks for the key", async () => {
    const { coordinator, url } = await start();
    const { identity } = await participate(url, "ada");
    const basic = (key: string) => `Basic ${Buffer.from(`anybody:${key}`).toString("base64")}`;
    const get = (path: string, authorization: string) =>
      coordinator.http.inject({ url: path, headers: { authorization } });
    for (const stranger of [`Bearer ${identity.token}`, "Bearer x", basic("x")])
      for (const path of ["/api/runs", "/runs"]) expect((await get(path, stranger)).statusCode).toBe(401);
    const { headers } = await get("/runs", "");
    expect(headers["www-authenticate"]).toMatch(/^Basic realm=/);
    const listed = (await get("/api/runs", "Bearer key")).json();
    expect(listed).toMatchObject([{ state: "lobby", round: 0, devices: 1, updates: 0 }]);
    const page = (await get("/runs", basic("key"))).body;
    expect(page).toContain(`<td>lobby</td><td>0 of ${coordinator.state.config.rounds}</td><td>1</td>`);
    expect(page).not.toMatch(/<script|undefined|\[object/);
  });

  it("bounds how often a stranger may ask, and one participant read", async () => {
    const limits = { wrongTokensPerAddressAndMinute: 2, readingsPerHolderAndMinute: 3 };
    const { coordinator } = await start({}, { limits });
    const status = async (authorization: string) =>
      (await coordinator.http.inject({ url: "/api/report", headers: { authorization } })).statusCode;
    const guesses = [await status("Bearer 1"), await status("Bearer 2"), await status("Bearer 3")];
    expect(guesses).toEqual([401, 401, 429]);
    // Nobody is kept from what it may have by a neighbour's guesses.
    const readings = [await status("Bearer key"), await status("Bearer key"), await status("Bearer key")];
    expect([...readings, await status("Bearer key")]).toEqual([200, 200, 200, 429]);
  });

  it("gives a device its own texts and no others", async () => {
    const { coordinator, url } = await start();
    const split = (authorization?: string) =>
      coordinator.http.inject({
        url: "/api/split",
        headers: authorization === undefined ? {} : { authorization },
      });
    await participate(url, "ada");
    const { identity } = await participate(url, "ben");
    expect((await split(`Bearer ${identity.token}`)).json()).toEqual({
      part: 1,
      device: "device 1",
      samples: [{ text: "private text 1" }],
    });
    for (const wrong of [undefined, "Bearer", "Bearer x", identity.token])
      expect((await split(wrong)).statusCode).toBe(401);
  });

  it("serves the model's files, with their ETag, and no other file", async () => {
    const { coordinator } = await start();
    const first = await coordinator.http.inject({ url: "/models/base/config.json" });
    expect(first.json()).toHaveProperty("model_type", "gpt2");
    expect(first.headers["cache-control"]).toBe("no-cache");
    const versioned = await coordinator.http.inject({ url: "/models/1234abcd/config.json" });
    expect(versioned.headers["cache-control"]).toBe("public, max-age=31536000, immutable");
    const again = await coordinator.http.inject({
      url: "/models/base/config.json",
      headers: { "if-none-match": first.headers.etag as string },
    });
    expect(again.statusCode).toBe(304);
    for (const url of [
      "/models/base/NOTICE",
      "/models/../package.json",
      "/models/%2e%2e/%2e%2e/package.json",
      "/models/",
    ])
      expect((await coordinator.http.inject({ url })).statusCode, url).toBe(404);
  });

  it("serves the pages, hashed assets for ever", async () => {
    const pages = await mkdtemp(join(tmpdir(), "fedlodrop-pages-"));
    open.push(() => rm(pages, { recursive: true }));
    await mkdir(join(pages, "assets"));
    await writeFile(join(pages, "index.html"), "participant");
    await writeFile(join(pages, "host.html"), "host");
    await writeFile(join(pages, "assets/main-Ab12Cd34.js"), "1");
    const { coordinator } = await start({}, { pagesDirectory: pages });
    const get = async (url: string) => coordinator.http.inject({ url });
    expect((await get("/")).body).toBe("participant");
    expect((await get("/host")).body).toBe("host");
    expect((await get("/")).headers["cache-control"]).toBe("no-cache");
    expect((await get("/WXYZ")).json()).toEqual({ error: "nothing is at /WXYZ" });
    const lost = await coordinator.http.inject({ url: "/<b>", headers: { accept: "text/html,*/*" } });
    expect([lost.statusCode, lost.headers["content-type"]]).toEqual([404, "text/html; charset=utf-8"]);
    expect(lost.body).toContain('<a href="/">join the run here</a>');
    expect((await get("/assets/main-Ab12Cd34.js")).headers["cache-control"]).toMatch("immutable");
  });
});
