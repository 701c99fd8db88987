import { PROTOCOL_VERSION, type Refused } from "@fedlodrop/protocol";
import type { Socket } from "socket.io-client";
import { describe, expect, it } from "vitest";
import { connect, device, participate, phase, play, start, statistics } from "../app.fixture.ts";

describe("refusals", () => {
  it("say why, and change nothing", async () => {
    const { coordinator, url, advance } = await start();
    const stranger = await connect(url);
    const hello = { protocolVersion: PROTOCOL_VERSION, nickname: "eve" };
    const reason = async (reply: Promise<unknown>) => ((await reply) as Refused).reason;
    const emit = (who: { socket: Socket }, event: string, ...args: unknown[]) =>
      reason(who.socket.emitWithAck(event, ...args));
    const given = (who: { download(round: number): Promise<Response> }) =>
      reason(who.download(1).then((response) => response.json()));

    expect(await emit(stranger, "ready", device)).toBe("unknown-participant");
    expect(await emit(stranger, "upload-chunk", { round: 1, offset: 0 }, new Uint8Array(4))).toBe(
      "unknown-participant",
    );
    expect(await emit(stranger, "join", { ...hello, protocolVersion: 999 })).toBe("protocol-version");
    expect(await emit(stranger, "join", { protocolVersion: 0 })).toBe("protocol-version");
    for (const nonsense of [
      null,
      7,
      "x",
      [],
      {},
      { ...hello, nickname: "" },
      { ...hello, nickname: "\u202e\u0007 " },
      { ...hello, nickname: "n".repeat(10_001) },
    ])
      expect(await emit(stranger, "join", nonsense)).toBe("bad-message");
    // No acknowledgement asked for, no arguments at all: nothing to answer and nothing to break.
    (stranger.socket as Socket).emit("ready");
    (stranger.socket as Socket).emit("upload-chunk");

    const ada = await participate(url, "ada");
    const ben = await participate(url, "ben");
    const { runId } = ada.identity.run;
    expect(await emit(ada, "join", { ...hello })).toBe("duplicate");
    expect(await emit(ada, "ready", { ...device, runId, sampleCount: -1 })).toBe("bad-message");
    expect(await emit(ada, "ready", { ...device, runId: "another" })).toBe("wrong-state");
    expect(await emit(ada, "upload-begin", { round: 1, bytes: 16, attempt: 0 })).toBe("not-running");
    expect(await given(ada)).toBe("not-running");

    await coordinator.command({ kind: "start" });
    const message = await ada.nextStart(1);
    const cleo = await participate(url, "cleo");
    const before = [...coordinator.adapter];
    const good = await ada.update(message);
    const bytes = good.byteLength;
    const altered = (change: (view: DataView) => void): Uint8Array => {
      const copy = good.slice();
      change(new DataView(copy.buffer));
      return copy;
    };
    const upload = (payload: Uint8Array, round = 1) => reason(ada.upload(round, payload));

    expect(await given(cleo)).toBe("not-in-cohort");
    expect(await emit(cleo, "upload-begin", { round: 1, bytes, attempt: 0 })).toBe("not-in-cohort");
    expect(await emit(ada, "upload-begin", { round: 2, bytes, attempt: 0 })).toBe("stale-round");
    expect(await emit(ada, "upload-begin", { round: 1, bytes: 1e9, attempt: 0 })).toBe("too-large");
    expect(await emit(ada, "upload-begin", { round: 1, bytes: bytes - 4, attempt: 0 })).toBe("wrong-length");
    expect(
      await emit(ada, "upload-end", { round: 1, statistics: { ...statistics, trainLoss: Number.NaN } }),
    ).toBe("bad-message");
    expect(await emit(ada, "upload-begin", { round: 1, bytes, attempt: -1 })).toBe("bad-message");
    expect(await emit(ada, "upload-end", { round: 1, statistics })).toBe("wrong-order");
    expect(await emit(ada, "upload-chunk", { round: 1, offset: 0 }, good)).toBe("wrong-order");
    await ada.socket.emitWithAck("upload-begin", { round: 1, bytes, attempt: 0 });
    expect(await emit(ada, "upload-chunk", { round: 1, offset: 4 }, good)).toBe("wrong-order");
    expect(await emit(ada, "upload-chunk", { round: 1, offset: 0 }, new Uint8Array(bytes + 1))).toBe(
      "too-large",
    );
    expect(await emit(ada, "upload-chunk", { round: 1, offset: 0 }, "text")).toBe("bad-message");
    expect(await emit(ada, "upload-chunk", { round: 1, offset: 0 }, new Uint8Array(0))).toBe("bad-message");
    expect(await emit(ada, "upload-end", { round: 1, statistics })).toBe("wrong-length");
    expect(await upload(altered((view) => view.setUint8(0, 0)))).toBe("wrong-header");
    expect(await upload(altered((view) => view.setUint32(8, 9, true)))).toBe("stale-round");
    expect(await upload(altered((view) => view.setFloat32(20, Number.NaN, true)))).toBe("non-finite");
    expect(await upload(altered((view) => view.setFloat32(20, Number.POSITIVE_INFINITY, true)))).toBe(
      "non-finite",
    );
    expect(await upload(altered((view) => view.setFloat32(20, 1e6, true)))).toBe("out-of-range");

    expect([...coordinator.adapter]).toEqual(before);
    expect(coordinator.state).toMatchObject({ kind: "training", round: 1, records: [] });
    // After all that a good update still counts, once.
    expect(await ada.upload(1, good)).toEqual({ kind: "accepted" });
    expect(await upload(good)).toBe("duplicate");
    expect(await given(ada)).toBe("duplicate");
    await play(ben, 1);
    await ada.nextStart(2);
    expect(await upload(good)).toBe("stale-round");
    expect(await emit(ada, "upload-chunk", { round: 1, offset: 0 }, good)).toBe("stale-round");
    expect(coordinator.state.records[0]!.participants.map(({ outcome }) => outcome)).toEqual([
      "aggregated",
      "aggregated",
    ]);

    await coordinator.command({ kind: "lock", locked: true });
    expect(await emit(await connect(url), "join", hello)).toBe("run-locked");
    await coordinator.command({ kind: "kick", participantId: "p3" });
    await expect.poll(() => cleo.inbox.dismissed).toMatchObject([{ reason: "kicked" }]);
    expect(await emit(await connect(url), "join", { ...hello, token: cleo.identity.token })).toBe("kicked");

    const replies = await Promise.all(
      Array.from({ length: 400 }, () => reason(ben.socket.emitWithAck("ready", { ...device, runId }))),
    );
    expect(replies.at(-1)).toBe("rate-limited");
    advance(5);
    expect(await ben.socket.emitWithAck("ready", { ...device, runId })).toEqual({ kind: "accepted" });
  });

  it("count as an answer, so that a hostile device cannot stall a round", async () => {
    const { coordinator, url } = await start({ rounds: 1 });
    const [ada, eve] = [await participate(url, "ada"), await participate(url, "eve")];
    await coordinator.command({ kind: "start" });
    await play(ada, 1);
    const poison = (await eve.update(await eve.nextStart(1))).fill(255, 16);
    expect(await eve.upload(1, poison)).toMatchObject({ reason: "non-finite" });
    await phase(coordinator, "ended");
    expect(coordinator.report().rounds[0]!.participants.map(({ outcome }) => outcome)).toEqual([
      "aggregated",
      "refused",
    ]);
  });

  it("let no more in than the run has room for", async () => {
    const { url } = await start({ maxParticipants: 1 });
    await participate(url, "ada");
    const { socket } = await connect(url);
    expect(
      await socket.emitWithAck("join", { protocolVersion: PROTOCOL_VERSION, nickname: "ben" }),
    ).toMatchObject({ reason: "run-full" });
  });

  it("leave places to who is ready, however many join and load", async () => {
    const { coordinator, url, advance } = await start(
      { maxParticipants: 2 },
      { limits: { secondsToLoad: 60 } },
    );
    const joinOnly = async () => {
      const { socket, inbox } = await connect(url);
      const reply = await socket.emitWithAck("join", { protocolVersion: PROTOCOL_VERSION, nickname: "eve" });
      return { reply, inbox };
    };
    const silent = await Promise.all(Array.from({ length: 34 }, joinOnly));
    expect(silent.every(({ reply }) => reply.kind === "joined")).toBe(true);
    expect((await joinOnly()).reply).toMatchObject({ reason: "run-full" });
    advance(61);
    // Who has loaded for too long gives way.
    await participate(url, "ada");
    await expect.poll(() => silent[0]?.inbox.dismissed).toMatchObject([{ reason: "run-full" }]);
    await participate(url, "ben");
    expect((await joinOnly()).reply).toMatchObject({ reason: "run-full" });
    expect(coordinator.state.readyCount).toBe(2);
  });

  it("drop a connection that sends more than a message may be", async () => {
    const { url } = await start();
    const ada = await participate(url, "ada");
    ada.socket.emit("upload-chunk", { round: 1, offset: 0 }, new Uint8Array(5 * 2 ** 20), () => {});
    await expect.poll(() => ada.socket.connected).toBe(false);
    await participate(url, "ben");
  });
});
