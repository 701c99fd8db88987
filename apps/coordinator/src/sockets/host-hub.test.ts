import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  appendRounds,
  type HostView,
  type SentRounds,
  type SentView,
  type ViewChanges,
} from "@fedlodrop/protocol";
import type { ParticipantRound, RoundRecord } from "@fedlodrop/run";
import { Server } from "socket.io";
import { io, type Socket } from "socket.io-client";
import { describe, expect, it } from "vitest";
import { connectHost, open, participate, phase, play, start } from "../app.fixture.ts";
import { systemClock } from "../clock.ts";
import { type Planner, planHere } from "../runs/planner.ts";
import { limitsFor } from "../security/limits.ts";
import { recordOf } from "../store/stored-run.fixture.ts";
import { type HostHubOptions, openHostHub } from "./host-hub.ts";

describe("the host", () => {
  it("needs the key", async () => {
    const { url } = await start();
    await expect(connectHost(url, "guess")).rejects.toThrow("wrong host key");
  });

  it("makes guessing slow, without locking out whoever knows the key", async () => {
    const { url } = await start({}, { limits: { wrongKeysPerAddressAndMinute: 2 } });
    const guesser: Socket = io(`${url}/host`, { auth: { key: "1" }, reconnection: false, forceNew: true });
    open.push(() => guesser.disconnect());
    await new Promise((resolve) => guesser.once("connect_error", resolve));
    await expect.poll(() => guesser.io._readyState).toBe("closed");
    await expect(connectHost(url, "2")).rejects.toMatchObject({ data: { reason: "wrong-key" } });
    await expect(connectHost(url, "3")).rejects.toMatchObject({ data: { reason: "rate-limited" } });
    await connectHost(url, "key");
  });

  it("sees lanes and steers the run", async () => {
    const { url, advance } = await start({ rounds: 1 });
    const { socket, views, rounds } = await connectHost(url, "key");
    await expect.poll(() => views).toMatchObject([{ phase: "lobby", participants: [] }]);
    const ada = await participate(url, "ada");
    expect(await socket.emitWithAck("command", { kind: "pause" })).toMatchObject({ reason: "wrong-state" });
    expect(await socket.emitWithAck("command", { kind: "change", change: { quorum: 7 } })).toMatchObject({
      reason: "bad-message",
    });
    expect(await socket.emitWithAck("command", { kind: "start" })).toEqual({ kind: "done" });
    const message = await ada.nextStart(1);
    const lane = async (expected: Partial<HostView["participants"][0]>) => {
      await expect
        .poll(() => {
          advance(0.5);
          return views.at(-1)?.participants[0];
        })
        .toMatchObject(expected);
    };
    await lane({ id: "p1", nickname: "ada", state: "downloading", deviceName: "device 0", backend: "cpu" });
    const bytes = await ada.update(message);
    ada.socket.emit("progress", { round: 1, step: 3, loss: 2.5, tokensPerSecond: 640 });
    await lane({ state: "training", step: 3, loss: 2.5, tokensPerSecond: 640, bytesDown: bytes.byteLength });
    await ada.socket.emitWithAck("upload-begin", { round: 1, bytes: bytes.byteLength, attempt: 0 });
    // What it reported last was not its last step.
    const { localSteps } = message.training;
    expect(localSteps).toBeGreaterThan(3);
    await lane({ state: "uploading", step: localSteps, localSteps });
    await ada.upload(1, bytes);
    await lane({ state: "ready", step: localSteps, localSteps, bytesUp: bytes.byteLength });
    await expect
      .poll(() => {
        advance(0.5);
        return views.at(-1);
      })
      .toMatchObject({ phase: "ended", round: 1 });
    expect(rounds.at(-1)?.records).toMatchObject([{ round: 1 }]);
  });

  it("is sent each round once, all of them when it connects, and none of an earlier run", async () => {
    const { coordinator, url, advance } = await start({ rounds: 2 });
    const early = await connectHost(url, "key");
    const { runId } = coordinator.report();
    const sent = ({ rounds }: typeof early) => rounds.map(({ from, records }) => [from, records.length]);
    const ada = await participate(url, "ada");
    await coordinator.command({ kind: "start" });
    for (const round of [1, 2]) {
      await play(ada, round);
      await expect.poll(() => ada.inbox["round-evaluated"].at(-1)?.round).toBe(round);
      advance(1);
    }
    await expect.poll(() => early.views.at(-1)).toMatchObject({ phase: "ended", round: 2 });
    expect(sent(early).slice(-2)).toEqual([
      [0, 1],
      [1, 1],
    ]);
    expect(early.views.at(-1)).not.toHaveProperty("rounds");
    const late = await connectHost(url, "key");
    await expect.poll(() => sent(late)).toEqual([[0, 2]]);
    await coordinator.command({ kind: "configure", config: {} });
    advance(1);
    await expect.poll(() => late.rounds.at(-1)?.runId).not.toBe(runId);
    expect(late.rounds.at(-1)).toMatchObject({ from: 0, records: [] });
  });

  describe("with many rounds behind it", () => {
    const record = (round: number): RoundRecord => ({
      ...recordOf(round),
      participants: Array.from({ length: 60 }, (_, k) => ({ id: `p${k + 1}` }) as ParticipantRound),
    });
    const forty = Array.from({ length: 40 }, (_, k) => record(k + 1));

    /** A host that connects to a run of these rounds, once it has its first view. */
    async function introduced(how: Pick<HostHubOptions, "rounds" | "everyRound" | "turn">) {
      const server = createServer();
      const io = new Server(server);
      open.push(() => io.close());
      await new Promise<void>((resolve) => server.listen(0, resolve));
      openHostHub({
        hosts: io.of("/host") as never,
        hostKey: "key",
        limits: () => limitsFor(64),
        trustProxy: false,
        views: { whole: () => ({ phase: "training" }), changes: () => null, touch: () => {} } as never,
        runId: () => "run",
        settled: async () => {},
        command: async () => ({ kind: "done" }),
        clock: systemClock,
        intervalSeconds: 1,
        ...how,
      });
      const host = await connectHost(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, "key");
      await expect.poll(() => host.views.length).toBe(1);
      return host;
    }
    const known = (sent: readonly SentRounds[]) =>
      sent.reduce<SentRounds | null>((all, part) => appendRounds(all, part), null)?.records;

    it("is told of them in parts, and of what changes meanwhile", async () => {
      let records = forty;
      let turns = 0;
      const host = await introduced({
        rounds: () => records,
        async *everyRound() {
          yield* records;
        },
        async turn() {
          turns += 1;
          if (turns === 2) records = [...records.with(3, { ...record(4), testLoss: 1.5 }), record(41)];
        },
      });
      const first = host.rounds.slice(0, -1);
      expect(first.map(({ records }) => records.length)).toEqual([9, 9, 9, 9, 4]);
      expect(host.rounds.at(-1)).toMatchObject({ from: 3 });
      expect(known(host.rounds)).toEqual(records);
    });

    it("is told what is in memory of them where the rest cannot be read", async () => {
      const host = await introduced({
        rounds: () => forty,
        async *everyRound() {
          yield* forty.slice(0, 12);
          throw new Error("metrics.jsonl: there is no such file");
        },
        turn: async () => {},
      });
      expect(known(host.rounds)).toEqual(forty);
    });
  });

  it("says why a run that was started does not go on", async () => {
    let fails = true;
    const plan: Planner = async (request) => {
      if (fails) throw new Error("the solver is gone");
      return planHere(request);
    };
    const { coordinator, url, advance } = await start({}, { plan });
    const { socket, views } = await connectHost(url, "key");
    const shows = async (expected: Partial<SentView>) => {
      await expect
        .poll(() => {
          advance(0.5);
          return views.at(-1);
        })
        .toMatchObject(expected);
    };
    await shows({ phase: "lobby", notice: null });
    await socket.emitWithAck("command", { kind: "start" });
    await shows({
      phase: "lobby",
      notice: "the run waits for devices: 0 of at least 1 are ready",
      standstill: { kind: "waits-for-devices", ready: 0, least: 1 },
    });
    const ada = await participate(url, "ada");
    await phase(coordinator, "paused");
    await shows({
      phase: "paused",
      notice: "round 1 cannot be planned: the solver is gone",
      standstill: { kind: "no-plan" },
    });
    fails = false;
    await socket.emitWithAck("command", { kind: "resume" });
    await ada.nextStart(1);
    await shows({ phase: "training", notice: null });
  });

  it("is told of those who have changed and of nobody else", async () => {
    const { coordinator, url, advance } = await start({ rounds: 1 });
    const { socket, views } = await connectHost(url, "key");
    const sent: ViewChanges[] = [];
    socket.on("changes", (changes) => sent.push(changes));
    const told = async (expected: object) => {
      const known = sent.length;
      advance(1);
      await expect.poll(() => sent.length).toBeGreaterThan(known);
      expect(sent.at(-1)).toMatchObject(expected);
      // What hosts have put together is what a fresh one is sent.
      const { views: fresh } = await connectHost(url, "key");
      await expect.poll(() => fresh.length).toBe(1);
      expect({ ...views.at(-1), secondsToDeadline: 0 }).toEqual({ ...fresh[0], secondsToDeadline: 0 });
    };
    const advancing = <T>(read: () => T) =>
      expect.poll(() => {
        advance(0.2);
        return read();
      });
    const ada = await participate(url, "ada");
    await advancing(() => views.length).toBeGreaterThan(1); // The run is new to this hub: it is told whole.
    const ben = await participate(url, "ben");
    await told({ participants: [{ nickname: "ben" }], gone: [] });
    const cleo = await participate(url, "cleo");
    await cleo.socket.emitWithAck("leave");
    await told({ participants: [], gone: ["p3"] });
    await coordinator.command({ kind: "start" });
    await ada.nextStart(1);
    await told({ run: { phase: "training", round: 1 }, participants: [{ id: "p1" }, { id: "p2" }] });
    ben.socket.emit("progress", { round: 1, step: 3, loss: 2.5, tokensPerSecond: 640 });
    await advancing(() => sent.at(-1)?.participants).toMatchObject([{ id: "p2", step: 3 }]);
    expect(sent.at(-1)!.run).not.toHaveProperty("config");
    await coordinator.command({ kind: "lock", locked: true });
    await told({ run: { locked: true } });
  });
});
