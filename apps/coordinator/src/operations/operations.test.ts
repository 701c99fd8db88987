import { expect, it } from "vitest";
import { participate, start } from "../app.fixture.ts";

const asHost = { authorization: "Bearer key" };

it("tells its host what an operator watches, and no stranger", async () => {
  const { coordinator, url } = await start();
  const { socket } = await participate(url, "Zebedee");
  expect((await coordinator.http.inject({ url: "/metrics" })).statusCode).toBe(401);
  await socket.emitWithAck("ready", {} as never);
  const { body, headers } = await coordinator.http.inject({ url: "/metrics", headers: asHost });
  expect(headers["content-type"]).toContain("text/plain; version=0.0.4");
  expect(body).toContain('fedlodrop_refusals_total{reason="bad-message"} 1');
  expect(body).toMatch(/fedlodrop_participants\{presence="(loading|ready)"\} 1/);
  expect(body).toContain("fedlodrop_connections 1");
  expect(body).toContain('fedlodrop_phase{phase="lobby"} 1');
  expect(body).toMatch(/nodejs_eventloop_lag_seconds \d/);
  expect(body).not.toContain("Zebedee");
});

it("is ready until it is to end", async () => {
  const { coordinator } = await start();
  const ready = async () => {
    const response = await coordinator.http.inject({ url: "/readyz" });
    return [response.statusCode, response.json()];
  };
  expect(await ready()).toEqual([200, { ready: true, reason: null }]);
  await coordinator.drain(1);
  expect(await ready()).toEqual([503, { ready: false, reason: "the coordinator is being closed" }]);
});

it("describes its interface, every route that it has", async () => {
  const { coordinator } = await start();
  const response = await coordinator.http.inject({ url: "/api/openapi.json" });
  const document = response.json();
  expect(document.openapi).toBe("3.1.0");
  for (const path of Object.keys(document.paths)) {
    const { statusCode } = await coordinator.http.inject({ url: path });
    expect(statusCode, path).toBe(document.paths[path].get.responses[401] ? 401 : 200);
  }
  const run = document.paths["/api/run"].get.responses[200].content["application/json"].schema;
  expect(run.properties.config.properties.rounds.type).toBe("integer");
});

it("shows its interface to people too, on a page without scripts", async () => {
  const { coordinator } = await start();
  const { body, headers } = await coordinator.http.inject({ url: "/api" });
  const { paths } = (await coordinator.http.inject({ url: "/api/openapi.json" })).json();
  expect(headers["content-type"]).toBe("text/html; charset=utf-8");
  const shown = [...body.matchAll(/<code>GET (\S+)<\/code>/g)].map(([, path]) => path);
  expect(shown).toEqual(Object.keys(paths));
  const guarded = shown.filter((path) => paths[path!].get.security);
  expect(body.match(/For the host key/g)).toHaveLength(guarded.length);
  expect(body).not.toMatch(/<script|undefined|\[object/);
});
