import { PROTOCOL_VERSION } from "@fedlodrop/protocol";
import { describe, expect, it } from "vitest";
import { connect, device, participate, phase, play, start } from "../app.fixture.ts";

describe("participants come and go", () => {
  it("keeps the identity over a reload, and the reloaded tab waits for the next round", async () => {
    const { coordinator, url } = await start();
    const [ada, ben] = [await participate(url, "ada"), await participate(url, "ben")];
    await coordinator.command({ kind: "start" });
    await ada.update(await ada.nextStart(1));
    ada.socket.disconnect();
    const again = await participate(url, "ada", { token: ada.identity.token });
    expect(again.identity).toMatchObject({ participantId: "p1", token: ada.identity.token, part: 0 });
    await play(ben, 1);
    await again.nextStart(2);
    expect(coordinator.state.records[0]!.participants.map(({ outcome }) => outcome)).toEqual([
      "left",
      "aggregated",
    ]);
  });

  it("tells a tab that was reloaded after its update what it has given, once the round is over", async () => {
    const { coordinator, url } = await start();
    const [ada, ben] = [await participate(url, "ada"), await participate(url, "ben")];
    await coordinator.command({ kind: "start" });
    await play(ada, 1);
    ada.socket.disconnect();
    const again = await participate(url, "ada", { token: ada.identity.token });
    expect(again.identity.given).toBeUndefined();
    await play(ben, 1);
    expect((await again.closed(1)).given).toMatchObject({ roundsUsed: 1, contribution: 0.5, upToRound: 1 });
    expect((await ben.closed(1)).given).toMatchObject({ roundsUsed: 1, contribution: 0.5, upToRound: 1 });
  });

  it("asks again who comes back from a connection over which nothing of the round has come", async () => {
    const { coordinator, url } = await start({ rounds: 1 });
    const ada = await participate(url, "ada");
    await coordinator.command({ kind: "start" });
    await ada.nextStart(1);
    ada.socket.disconnect();
    const again = await participate(url, "ada", { token: ada.identity.token });
    expect(await again.upload(1, await again.update(await again.nextStart(1)))).toEqual({ kind: "accepted" });
    await phase(coordinator, "ended");
    expect(coordinator.report().rounds[0]!.participants[0]!.outcome).toBe("aggregated");
  });

  it("asks again also when that connection is lost before it could be, and only once", async () => {
    const { coordinator, url } = await start({ rounds: 1 });
    const [ada, ben] = [await participate(url, "ada"), await participate(url, "ben")];
    const { token } = ada.identity;
    await coordinator.command({ kind: "start" });
    await ada.nextStart(1);
    ada.socket.disconnect();
    const { socket } = await connect(url);
    await socket.emitWithAck("join", { protocolVersion: PROTOCOL_VERSION, nickname: "ada", token });
    socket.disconnect();
    const asked = await participate(url, "ada", { token });
    await asked.nextStart(1);
    asked.socket.disconnect();
    const third = await participate(url, "ada", { token });
    await play(ben, 1);
    await phase(coordinator, "ended");
    expect(third.inbox["round-start"]).toEqual([]);
    expect(coordinator.report().rounds[0]!.participants.map(({ outcome }) => outcome)).toEqual([
      "left",
      "aggregated",
    ]);
  });

  it("lets a lost connection go on with its round", async () => {
    const { coordinator, url, advance } = await start({ rounds: 1 });
    const ada = await participate(url, "ada");
    await coordinator.command({ kind: "start" });
    const bytes = await ada.update(await ada.nextStart(1));
    ada.socket.disconnect();
    await expect.poll(() => coordinator.state.participants.get("p1")?.presence).toBe("away");
    advance(9);
    const again = await participate(url, "ada", { token: ada.identity.token, resumesRound: 1 });
    advance(9);
    expect(await again.upload(1, bytes)).toEqual({ kind: "accepted" });
    await phase(coordinator, "ended");
    expect(coordinator.report().rounds[0]!.participants[0]!.outcome).toBe("aggregated");
  });

  it("forgets newcomers who are gone before any round, and gives no id twice", async () => {
    const { coordinator, url, advance } = await start();
    const ids = () => [...coordinator.state.participants.keys()];
    const ada = await participate(url, "ada");
    const ben = await participate(url, "ben");
    ada.socket.disconnect();
    await expect.poll(() => coordinator.state.participants.get("p1")?.presence).toBe("away");
    advance(9);
    // Who is away comes behind those who are here.
    expect(ids()).toEqual(["p2", "p1"]);
    advance(1);
    expect(ids()).toEqual(["p2"]);
    const again = await participate(url, "ada", { token: ada.identity.token });
    expect(again.identity).toMatchObject({ participantId: "p3", part: 0 });
    await again.socket.emitWithAck("leave");
    expect(ids()).toEqual(["p2"]);
    // Who was in a cohort stays, with what it did and the way back.
    await coordinator.command({ kind: "start" });
    await play(ben, 1);
    await ben.closed(1);
    await ben.socket.emitWithAck("leave");
    await phase(coordinator, "lobby");
    expect(ids()).toEqual(["p2"]);
  });

  it("hands a participant over to the newer of two tabs", async () => {
    const { url } = await start();
    const ada = await participate(url, "ada");
    const second = await participate(url, "ada", { token: ada.identity.token });
    expect(second.identity.participantId).toBe("p1");
    await expect.poll(() => ada.inbox.dismissed).toMatchObject([{ reason: "taken-over" }]);
    await expect.poll(() => ada.socket.connected).toBe(false);
    const { runId } = second.identity.run;
    expect(await second.socket.emitWithAck("ready", { ...device, runId })).toEqual({ kind: "accepted" });
  });

  it("gives an unknown token a new identity", async () => {
    const { url } = await start();
    const ada = await participate(url, "ada", { token: "made-up" });
    expect(ada.identity).toMatchObject({ participantId: "p1" });
    expect(ada.identity.token).not.toBe("made-up");
  });

  it("closes a round at its deadline without the silent one", async () => {
    const { coordinator, url, advance } = await start();
    const [ada, ben] = [await participate(url, "ada"), await participate(url, "ben")];
    await coordinator.command({ kind: "start" });
    await play(ada, 1);
    await ben.nextStart(1);
    advance(29);
    expect(coordinator.state.kind).toBe("training");
    advance(1);
    expect(await ben.closed(1)).toMatchObject({ outcome: "missed-deadline", contribution: 0 });
    expect(coordinator.state.records[0]).toMatchObject({ seconds: 30 });
    await ben.nextStart(2);
  });

  it("closes a round without a tab that vanished, after its grace", async () => {
    const { coordinator, url, advance } = await start();
    const [ada, ben] = [await participate(url, "ada"), await participate(url, "ben")];
    await coordinator.command({ kind: "start" });
    await play(ada, 1);
    ben.socket.disconnect();
    await expect.poll(() => coordinator.state.participants.get("p2")?.presence).toBe("away");
    advance(10);
    expect(await ada.closed(1)).toMatchObject({ aggregatedCount: 1, cohortSize: 2 });
  });

  it("counts the time of grace from the last of several losses", async () => {
    const { coordinator, url, advance } = await start();
    const ada = await participate(url, "ada");
    await participate(url, "ben");
    await coordinator.command({ kind: "start" });
    await ada.nextStart(1);
    const presence = () => coordinator.state.participants.get("p1")?.presence;
    const status = () => {
      const { state } = coordinator;
      return state.kind === "training" && state.members.get("p1")?.status.kind;
    };
    ada.socket.disconnect();
    await expect.poll(presence, { interval: 2 }).toBe("away");
    advance(8);
    const again = await participate(url, "ada", { token: ada.identity.token, resumesRound: 1 });
    again.socket.disconnect();
    await expect.poll(presence, { interval: 2 }).toBe("away");
    advance(8);
    expect(status()).toBe("working");
    advance(3);
    expect(status()).toBe("left");
  });

  it("takes a late joiner in at the next round", async () => {
    const { coordinator, url } = await start();
    const ada = await participate(url, "ada");
    await coordinator.command({ kind: "start" });
    await ada.nextStart(1);
    const ben = await participate(url, "ben");
    await play(ada, 1);
    await ben.nextStart(2);
    expect(ben.inbox["round-start"].map(({ round }) => round)).toEqual([2]);
  });

  it("keeps the model while everyone is away, and goes on when they return", async () => {
    const { coordinator, url } = await start({ rounds: 2, minParticipants: 2 });
    const [ada, ben] = [await participate(url, "ada"), await participate(url, "ben")];
    await coordinator.command({ kind: "start" });
    await Promise.all([play(ada, 1), play(ben, 1)]);
    await ben.nextStart(2);
    const learned = coordinator.report().adapterSha256;
    await ada.socket.emitWithAck("leave");
    await ben.socket.emitWithAck("leave");
    await phase(coordinator, "lobby");
    expect(coordinator.report().adapterSha256).toBe(learned);
    const again = [
      await participate(url, "ada", { token: ada.identity.token }),
      await participate(url, "ben", { token: ben.identity.token }),
    ];
    // Round 2 closed with nobody left in it and does not count.
    await Promise.all(again.map((participant) => play(participant, 3)));
    await phase(coordinator, "ended");
    expect(coordinator.report().adapterSha256).not.toBe(learned);
  });
});
