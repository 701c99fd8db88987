import { once } from "node:events";
import { connect, type Server } from "node:net";
import { initialAdapter } from "@fedlodrop/run";
import { describe, expect, it } from "vitest";
import { device, participate, shape, start, workload } from "./app.fixture.ts";
import type { Quotas } from "./runs/quota-problem.ts";

describe("a fresh run from the host", () => {
  it("configures a fresh run for those who are there", async () => {
    const { coordinator, url } = await start({ rounds: 1 });
    const ada = await participate(url, "ada");
    expect(await coordinator.command({ kind: "configure", config: { seed: "new", rounds: 2 } })).toEqual({
      kind: "done",
    });
    await expect.poll(() => ada.inbox["run-changed"]).toMatchObject([{ config: { seed: "new", rounds: 2 } }]);
    expect(coordinator.state.participants.get("p1")?.presence).toBe("loading");
    expect([...coordinator.adapter]).toEqual([...initialAdapter(shape, "new")]);
    await coordinator.command({ kind: "start" });
    // A tab that has not heard of the new run yet is not ready for it.
    const { runId } = ada.identity.run;
    expect(await ada.socket.emitWithAck("ready", { ...device, runId })).toMatchObject({
      reason: "wrong-state",
    });
    await ada.socket.emitWithAck("ready", { ...device, runId: coordinator.report().runId });
    await ada.nextStart(1);
    expect(await coordinator.command({ kind: "configure", config: {} })).toMatchObject({
      reason: "wrong-state",
    });
  });

  it("loses nobody who joins while a fresh run is set up, and starts nothing meanwhile", async () => {
    const gates: (() => void)[] = [];
    const gate = () => new Promise<void>((resolve) => gates.push(resolve));
    let runs = 0;
    const { coordinator, url } = await start(
      {},
      {
        async loadWorkload() {
          runs += 1;
          if (runs === 2) await gate();
          return { ...(await workload()), close: runs === 1 ? gate : async () => {} };
        },
      },
    );
    const reply = coordinator.command({ kind: "configure", config: { seed: "2" } });
    const joined = await participate(url, "during the load");
    expect(await coordinator.command({ kind: "start" })).toMatchObject({ reason: "wrong-state" });
    await expect.poll(() => gates.length, { interval: 2 }).toBe(1);
    gates[0]!();
    await expect.poll(() => gates.length, { interval: 2 }).toBe(2);
    const last = await participate(url, "while the old run closes");
    expect(last.identity.run.config.seed).toBe("2");
    gates[1]!();
    expect(await reply).toEqual({ kind: "done" });
    const { runId } = last.identity.run;
    expect(await joined.socket.emitWithAck("ready", { ...device, runId })).toEqual({ kind: "accepted" });
    expect([...coordinator.state.participants.keys()]).toEqual(["p1", "p2"]);
  });
});

it("refuses more rounds than its cluster allows a run, and lets it go on with those it has", async () => {
  const unlimited: Quotas = { runs: null, devices: null, bytes: null };
  let allowed = unlimited;
  const cluster = { show: () => {}, list: async () => [], quotas: async () => allowed };
  const { coordinator } = await start({ rounds: 2 }, { cluster });
  allowed = { ...unlimited, bytes: 0 };
  expect(await coordinator.command({ kind: "change", change: { rounds: 3 } })).toMatchObject({
    kind: "refused",
    message: expect.stringContaining("change: rounds: the quota of a run here is 0 bytes"),
  });
  expect(coordinator.state.config.rounds).toBe(2);
  expect(await coordinator.command({ kind: "change", change: { rounds: 1 } })).toEqual({ kind: "done" });
});

describe("the rate that a run begins with", () => {
  const options = { rateAtStart: (_: unknown, devices: number) => (devices <= 2 ? 0.7 : 0.5) };

  it("follows from how many devices are ready at its start", async () => {
    for (const [count, rate] of [
      [2, 0.7],
      [3, 0.5],
    ] as const) {
      const { coordinator, url } = await start({ method: "fixed", dropoutRate: 0.3 }, options);
      for (let k = 0; k < count; k++) await participate(url, `p${k}`);
      await coordinator.command({ kind: "start" });
      expect(coordinator.state.config.dropoutRate).toBe(rate);
    }
  });

  it("is the host's where the host has set one, in this run and those after it", async () => {
    const { coordinator, url } = await start({ method: "fixed", dropoutRate: 0.3 }, options);
    const ada = await participate(url, "ada");
    await coordinator.command({ kind: "change", change: { dropoutRate: 0.2 } });
    await coordinator.command({ kind: "configure", config: { seed: "next" } });
    await ada.socket.emitWithAck("ready", { ...device, runId: coordinator.report().runId });
    await coordinator.command({ kind: "start" });
    expect(coordinator.state.config.dropoutRate).toBe(0.2);
  });

  it("is left alone by other methods, and where nobody is there yet", async () => {
    const lone = await start({ method: "fixed", dropoutRate: 0.3 }, options);
    await lone.coordinator.command({ kind: "start" });
    expect(lone.coordinator.state.config.dropoutRate).toBe(0.3);
    const random = await start({ method: "random", dropoutRate: 0.3 }, options);
    await participate(random.url, "ada");
    await random.coordinator.command({ kind: "start" });
    expect(random.coordinator.state.config.dropoutRate).toBe(0.3);
  });
});

it("ends although a browser keeps a connection ready that has not said a word", async () => {
  const { coordinator, url } = await start();
  const silent = connect(Number(new URL(url).port), "127.0.0.1");
  await once(silent, "connect");
  const ended = once(silent.resume(), "close");
  await expect.poll(() => connections(coordinator.http.server)).toBe(1);
  await coordinator.close();
  await ended;
});

const connections = (server: Server): Promise<number> =>
  new Promise((resolve) => server.getConnections((_, count) => resolve(count)));

it("tells devices in the middle of a round when the host closes it, before their connections end", async () => {
  const { coordinator, url } = await start();
  const ada = await participate(url, "ada");
  await coordinator.command({ kind: "start" });
  await ada.nextStart(1);
  const lost = new Promise((resolve) => ada.socket.once("disconnect", resolve));
  await coordinator.close();
  await lost;
  expect(ada.inbox["host-closed"]).toHaveLength(1);
});
